"""Language: templates and turns of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flows.compiler.actions import Action, Render, Turn, given
from flows.compiler.diagnostics import shown
from flows.compiler.fields import Field, FieldType
from flows.compiler.kinds.kind import Kind, Problem, Settings, Step

DEFAULT_ROLE = "primary"
OUTPUT_TYPES = ("string", "number", "integer", "int", "boolean", "bool", "object", "array", "list")
BLANK_OR_QUOTE = " \t\r\n\"'"

_TEXTS: tuple[FieldType, ...] = ("text", "list")
_GOAL = Field("goal", required=True, reads="prose")
_ROLE = Field("llm_role", default=None)
_LEGACY_ROLE = Field("model", default=None)
_SCHEMA = Field("output_schema", ("map",))
_INPUT_BINDINGS = Field("input_bindings", ("map",), reads="expressions")
_CONTEXT_BINDINGS = Field("context_bindings", ("map",), reads="expressions")
_GUIDANCE = Field("guidance", _TEXTS, reads="prose")
_CONSTRAINTS = Field("constraints", _TEXTS, reads="prose")

_GUARDED = (
    Field("guard", ("text", "list", "map"), reads="prose"),
    Field("validate", ("text", "list", "map"), reads="prose"),
    _SCHEMA,
    _INPUT_BINDINGS,
    _CONTEXT_BINDINGS,
    _GUIDANCE,
    _CONSTRAINTS,
    Field("on_validation_failure", ("text", "map")),
)

_FLEXIBLE = (
    _SCHEMA,
    _INPUT_BINDINGS,
    _CONTEXT_BINDINGS,
    _GUIDANCE,
    Field("identity_ref", ("boolean", "text"), default=False),
    _CONSTRAINTS,
    Field("examples", ("list", "text")),
    Field("on_failure", ("text", "map")),
    Field("budget", ("map", "number")),
)


def role_of(settings: Settings) -> str:
    """The model role of a turn: `llm_role`, else the legacy key `model`, else the implicit primary."""
    return str(settings["llm_role"] or settings["model"] or DEFAULT_ROLE)


def _lower_turn(guarded: bool) -> Any:
    options = _GUARDED if guarded else _FLEXIBLE

    def lower(settings: Settings) -> Action:
        values = {"llm_role": role_of(settings)}
        values.update({field.name: settings[field.name] for field in options if settings[field.name] is not False})
        return Turn(settings["goal"], guarded, given(values))

    return lower


def _lift_turn(guarded: bool) -> Any:
    names = ("llm_role", *(field.name for field in (_GUARDED if guarded else _FLEXIBLE)))

    def lift(step: Step) -> Settings | None:
        if "llm_turn" not in step or bool(step.get("guarded")) is not guarded:
            return None
        return {"goal": step["llm_turn"]} | {name: step[name] for name in names if name in step}

    return lift


def _check_schema(settings: Settings) -> Iterator[Problem]:
    for name, kind in (settings["output_schema"] or {}).items():
        wrong = _type_problem(kind)
        if wrong:
            yield Problem("bad_config", f"output_schema.{name} {wrong}", "output_schema")


def _type_problem(kind: Any) -> str | None:
    if isinstance(kind, dict):
        return _map_problem(kind)
    if not isinstance(kind, str) or not kind.strip():
        return f"must be a type such as string or enum[a, b], not {shown(kind)}"
    text = kind.strip()
    if text.startswith("enum") and enum_options(text) is None:
        return f"must list its values as enum[a, b], not {shown(kind)}"
    if not text.startswith("enum") and text not in OUTPUT_TYPES:
        return f"must be one of {', '.join(OUTPUT_TYPES)} or enum[a, b], not {shown(kind)}"
    return None


def _map_problem(kind: dict[str, Any]) -> str | None:
    """A type as a map: an enum's values, else a JSON Schema `type`, else the fields of an object."""
    options = kind.get("enum") or kind.get("options") or kind.get("values")
    if isinstance(options, list):
        is_named = all(str(option).strip(BLANK_OR_QUOTE) for option in options)
        return None if is_named else "must have a name for each value of its enum"
    return _type_problem(kind["type"]) if isinstance(kind.get("type"), str) else None


def enum_options(kind: str) -> list[str] | None:
    """The values of `enum[a, b]`; None when the text is no such type or a value is empty."""
    if not (kind.startswith("enum[") and kind.endswith("]")):
        return None
    options = [option.strip(BLANK_OR_QUOTE) for option in kind[5:-1].split(",")]
    return options if all(options) else None


def _lift_rigid(step: Step) -> Settings | None:
    rigid = step.get("rigid")
    return {"template": rigid.get("template", "")} if isinstance(rigid, dict) else None


KINDS = (
    Kind(
        name="llm_rigid",
        family="llm",
        purpose="Writes a fixed text with values filled in; no model is asked.",
        ir="rigid",
        step="rigid",
        fields=(Field("template", required=True, reads="template"),),
        lower=lambda settings: Render(settings["template"]),
        lift=_lift_rigid,
    ),
    Kind(
        name="llm_guarded",
        family="llm",
        purpose="Asks a model, and lets the answer pass only when it holds against a guard.",
        ir="guarded",
        step="llm_turn",
        fields=(_GOAL, _ROLE, _LEGACY_ROLE, *_GUARDED),
        check=_check_schema,
        lower=_lower_turn(guarded=True),
        lift=_lift_turn(guarded=True),
    ),
    Kind(
        name="llm_flexible",
        family="llm",
        purpose="Asks a model to reach a goal.",
        ir="flexible",
        step="llm_turn",
        fields=(_GOAL, _ROLE, _LEGACY_ROLE, *_FLEXIBLE),
        check=_check_schema,
        lower=_lower_turn(guarded=False),
        lift=_lift_turn(guarded=False),
    ),
)
