"""A manifest, read and ready to run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from scaiflow.sandbox.runtime.errors import ManifestError

VERBS = (
    "rigid",
    "llm_turn",
    "match",
    "foreach",
    "while",
    "parallel",
    "try",
    "plugin_call",
    "set",
    "checkpoint",
    "await_responses",
    "core_call",
)
_DEFAULTS: dict[str, Any] = {"int": 0, "integer": 0, "float": 0, "number": 0, "string": "", "str": "", "text": ""}
_DEFAULTS |= {"bool": False, "boolean": False}

Step = dict[str, Any]


@dataclass(frozen=True)
class Program:
    """The parts of a manifest that the runtime reads. `core` is the whole `core` map."""

    core: dict[str, Any]
    flow: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.core["name"])

    @property
    def persona(self) -> str:
        identity = self.core.get("identity")
        return str(identity.get("persona") or self.name) if isinstance(identity, dict) else self.name

    @property
    def steps(self) -> list[Step]:
        return _maps(self.flow.get("steps"))

    @property
    def triggers(self) -> list[dict[str, Any]]:
        """The canonical trigger first."""
        return [*_maps([self.flow.get("trigger")]), *_maps(self.flow.get("extra_triggers"))]

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """The declared models by role; the first one is `primary` too."""
        models = _maps(self._meta.get("models"))
        by_role = {str(model.get("role")): model for model in models}
        return {"primary": models[0], **by_role} if models else by_role

    @property
    def has_model(self) -> bool:
        return bool(self.core.get("model") or self.models)

    @property
    def plugins(self) -> set[str]:
        """The declared plugins' aliases."""
        return {str(plugin.get("alias")) for plugin in _maps(self.core.get("plugins"))}

    def variables(self) -> dict[str, Any]:
        """The declared variables with their defaults, those of their type when they give none."""
        declared = _maps(self._meta.get("variables"))
        return {str(one.get("name")): _default(one) for one in declared if one.get("name")}

    @property
    def _meta(self) -> dict[str, Any]:
        meta = self.core.get("scaiflow_meta")
        return meta if isinstance(meta, dict) else {}


def _maps(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _default(variable: dict[str, Any]) -> Any:
    if variable.get("default") is not None:
        return variable["default"]
    kind = str(variable.get("type", "")).lower()
    if kind in ("list", "array"):
        return []
    return {} if kind in ("object", "dict") else _DEFAULTS.get(kind)


def verb_of(step: Step) -> str | None:
    """The one verb of a step; None when it has none or several."""
    verbs = [verb for verb in VERBS if verb in step]
    return verbs[0] if len(verbs) == 1 else None


def node_of(step: Step) -> dict[str, Any]:
    """`node_id`, `node_kind`, `node_label` of the step's meta, null where they are missing."""
    meta = step.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    return {name: meta.get(name) for name in ("node_id", "node_kind", "node_label")}


def children_of(step: Step) -> Iterator[tuple[str, Any]]:
    """The step lists inside a step, each with its place: `match.cases[0].steps`."""
    for verb in ("foreach", "while", "try"):
        if isinstance(step.get(verb), dict):
            yield f"{verb}.steps", step[verb].get("steps", [])
    if isinstance(step.get("try"), dict):
        yield "try.catch", step["try"].get("catch", [])
    for verb, lists in (("match", "cases"), ("parallel", "branches")):
        inner = step.get(verb)
        if isinstance(inner, dict):
            for index, item in enumerate(_maps(inner.get(lists))):
                yield f"{verb}.{lists}[{index}].steps", item.get("steps", [])
            if inner.get("else") is not None:
                yield f"{verb}.else", inner["else"]


def _has_alias(text: str) -> bool:
    """A few aliases of aliases are a document of any size: no manifest needs one."""
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader))


def read(text: str) -> Program:
    """A manifest's text as a Program. Raises ManifestError (COMPILE_ERROR) when it is not a manifest at all."""
    try:
        if "*" in text and "&" in text and _has_alias(text):
            raise ManifestError("COMPILE_ERROR", ["the manifest must not hold YAML aliases"])
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ManifestError("COMPILE_ERROR", [f"the manifest is not YAML: {error}"]) from error
    core = document.get("core") if isinstance(document, dict) else None
    if not isinstance(core, dict):
        raise ManifestError("COMPILE_ERROR", ["the manifest has no 'core' map"])
    flows = _maps(core.get("flows"))
    if not isinstance(core.get("name"), str) or not core["name"]:
        raise ManifestError("COMPILE_ERROR", ["core.name is missing"])
    if not flows:
        raise ManifestError("COMPILE_ERROR", ["core.flows is empty"])
    return Program(core, flows[0])
