"""The way back: from a manifest's YAML to a FlowGraph. Our own manifests come back to the last key; of hand-written ones all
that can be understood, nodes stacked 120 px apart and the rest kept in `metadata.unknown_steps`.

Hostile YAML is refused before it is built: more than 10 MB, aliases (which can make one line a billion values), and tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from flows.compiler.actions import Map
from flows.compiler.kinds import KINDS
from flows.compiler.kinds.logic import BODY_PORT, DONE_PORT

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 500  # more than the compiler writes: structure.MAX_DEPTH lists of five levels, and what configs hold
APART = 120
META = {"node_id": "id", "node_kind": "type", "node_label": "label", "node_config": "config"}
CARRIED = ("edges", "variables", "tests", "metadata")
SAME = ("position", "inputs", "outputs")


class ManifestError(Exception):
    """The text is no manifest, or not one that may be read. The message says why, and what to do."""


@dataclass(frozen=True)
class Imported:
    """`content` is a document of schema v2; `unknown_steps` are the steps that no kind stands for, as they were."""

    content: Map
    unknown_steps: list[Any] = field(default_factory=list)


def import_manifest(text: str | bytes) -> Imported:
    """Raises ManifestError."""
    core = _map(_map(_load(text), "the document").get("core"), "core")
    flows = core.get("flows")
    if not isinstance(flows, list) or len(flows) != 1:
        raise ManifestError("core.flows must be a list of one flow")
    flow = _map(flows[0], "core.flows[0]")
    meta = core.get("scaiflow_meta")
    try:
        if isinstance(meta, dict) and "source" in meta:
            return Imported(_ours(flow, meta))
        return _HandWritten(core, flow).read()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"the manifest has parts of a wrong shape ({error})") from None


def _load(text: str | bytes) -> Any:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        raise ManifestError(f"the manifest is larger than {MAX_BYTES} bytes")
    try:
        _check_events(raw)
        return yaml.load(raw, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ManifestError(f"not YAML that can be read: {str(error).splitlines()[0]}") from None


def _check_events(raw: bytes) -> None:
    depth = 0
    for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ManifestError("aliases (*name) are not read: write the value where it is used")
        if tag := getattr(event, "tag", None):
            raise ManifestError(f"tags ({tag}) are not read: write plain values")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ManifestError(f"the manifest is nested deeper than {MAX_DEPTH} levels")


def _map(value: Any, what: str) -> Map:
    if not isinstance(value, dict):
        raise ManifestError(f"{what} must be a map")
    return value


def _ours(flow: Map, meta: Map) -> Map:
    """Every node from its step's or trigger's meta, in the document's order, once however often it was repeated."""
    found: dict[int, Map] = {int(index): node for index, node in meta["source"].get("left_out", [])}
    for each in _metas(flow):
        index = each.get("index")
        if isinstance(index, int):
            found.setdefault(index, _node(each))
    document = dict(meta["source"]["document"]) | {part: meta[part] for part in CARRIED if part in meta}
    document["nodes"] = [found[index] for index in sorted(found)]
    return document


def _metas(value: Any) -> Iterator[Map]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if isinstance(each.get("meta"), dict):
                yield each["meta"]
            waiting += [inner for key, inner in each.items() if key != "meta"]
        elif isinstance(each, list):
            waiting += each


def _node(meta: Map) -> Map:
    node = {name: meta[key] for key, name in META.items() if key in meta}
    return {**node, **{key: meta[key] for key in SAME if key in meta}, **meta.get("extra", {})}


class _HandWritten:
    """A manifest that no canvas made: steps become nodes by the kinds' own `lift`, one under the other."""

    def __init__(self, core: Map, flow: Map) -> None:
        self.core, self.flow = core, flow
        self.nodes: list[Map] = []
        self.edges: list[Map] = []
        self.unknown: list[Any] = []

    def read(self) -> Imported:
        triggers = [self.flow.get("trigger"), *(self.flow.get("extra_triggers") or [])]
        ends = [self._add(trigger, entry=True) for trigger in triggers if isinstance(trigger, dict)]
        self._chain(self.flow.get("steps") or [], [end for end in ends if end])
        name = str(self.core.get("name") or "Imported flow")
        metadata = {"unknown_steps": self.unknown} if self.unknown else {}
        content = {
            "name": name,
            "metadata": metadata,
            "nodes": self.nodes,
            "edges": self.edges,
            "config": self._config(),
        }
        return Imported(content, self.unknown)

    def _config(self) -> Map:
        config: Map = {"plugins": [{"alias": p["alias"]} for p in self.core.get("plugins") or [] if "alias" in p]}
        ref, slash, model = str(self.core.get("model") or "").partition("/")
        if slash:
            config["core_identity"] = {"models": [{"role": "primary", "ref": ref, "model": model}]}
        if isinstance(self.core.get("scaiqueue"), dict):
            config["scaiqueue"] = self.core["scaiqueue"]
        return config

    def _chain(self, steps: Any, ends: list[tuple[str, str, Map]]) -> list[tuple[str, str, Map]]:
        """Adds the steps after `ends` (node, port, what the edge carries); the ends of the last one."""
        for step in steps if isinstance(steps, list) else []:
            added = self._add(step, entry=False)
            if added is None:
                continue
            for source, port, more in ends:
                self._edge(source, port, added[0], more)
            ends = self._inside(step, added)
        return ends

    def _inside(self, step: Map, added: tuple[str, str, Map]) -> list[tuple[str, str, Map]]:
        node = added[0]
        if isinstance(match := step.get("match"), dict):
            cases = [
                (f"case_{number}", case.get("steps"), {"type": "conditional", "condition": str(case.get("when"))})
                for number, case in enumerate(match.get("cases") or [])
            ]
            cases.append(("else", match.get("else"), {"type": "sequential"}))
            return [end for port, inner, more in cases for end in self._chain(inner or [], [(node, port, more)])]
        if isinstance(parallel := step.get("parallel"), dict):
            branches = parallel.get("branches") or []
            starts = [(f"branch_{number}", branch.get("steps") or []) for number, branch in enumerate(branches)]
            return [end for port, inner in starts for end in self._chain(inner, [(node, port, {})])]
        loop = step.get("foreach") or step.get("while")
        if isinstance(loop, dict):
            for source, port, more in self._chain(loop.get("steps") or [], [(node, BODY_PORT, {})]):
                if source != node:
                    self._edge(source, port, node, more)
            return [(node, DONE_PORT, {})]
        return [added]

    def _add(self, step: Any, *, entry: bool) -> tuple[str, str, Map] | None:
        for kind in KINDS.values():
            config = kind.lift(step) if isinstance(step, dict) and kind.is_entry is entry else None
            if config is not None:
                node_id = f"node_{len(self.nodes) + 1}"
                position = {"x": 0, "y": APART * len(self.nodes)}
                node = {"id": node_id, "type": kind.name, "label": kind.name, "position": position, "config": config}
                self.nodes.append(node)
                return node_id, kind.outputs[0].id, {}
        self.unknown.append(step)
        return None

    def _edge(self, source: str, port: str, target: str, more: Map) -> None:
        ends = {"source": {"node": source, "port": port}, "target": {"node": target, "port": "in"}}
        self.edges.append({"id": f"edge_{len(self.edges) + 1}", "type": "sequential", **ends, **more})
