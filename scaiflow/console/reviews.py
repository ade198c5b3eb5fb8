"""A review form out of a checkpoint: what to look at, what to type, what to decide. Pure.

`hitl_spec.sections` is a list of "context", "input", "decision" or of objects with such a `type`, or a map with these as its
keys. An object may have `title`, `fields` (names, or objects with `name`, `label`, `type`, `options`) and `content`. A
checkpoint without a spec shows its context and asks for the decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

TITLES = {"context": "What led here", "input": "Input", "decision": "Decision"}
DEFAULT_OPTIONS = ("approve", "reject")
FORMS = {"boolean": "checkbox", "bool": "checkbox", "number": "number", "integer": "number", "int": "number",
         "float": "number", "textarea": "textarea", "text": "textarea"}  # fmt: skip
TICKED = "yes"
Checkpoint = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """`name` is the key in the resolution's data; `form` how it is asked for; `value` what it begins with, TICKED for a
    checkbox that is."""

    name: str
    label: str
    form: str = "line"
    options: tuple[str, ...] = ()
    value: str = ""


@dataclass(frozen=True)
class Section:
    """`shown` is what there is to look at, None for nothing."""

    kind: str
    title: str
    shown: Any = None
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Review:
    sections: tuple[Section, ...]
    options: tuple[str, ...] = field(default=DEFAULT_OPTIONS)


def review_of(checkpoint: Checkpoint) -> Review:
    declared = _declared(checkpoint.get("hitl_spec"))
    sections = [_section(kind, body, checkpoint) for kind, body in declared]
    return Review(tuple(sections), options_of(checkpoint))


def filled(review: Review, typed: Mapping[str, str]) -> Review:
    """The same form with what was typed into it, for who is to correct it."""
    return replace(review, sections=tuple(replace(one, fields=_filled(one.fields, typed)) for one in review.sections))


def options_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    given = checkpoint.get("options")
    found = [_option(one) for one in given] if isinstance(given, list) else []
    return tuple(found) or DEFAULT_OPTIONS


def resolution_of(review: Review, typed: Mapping[str, str]) -> dict[str, Any]:
    """The body that resolves the checkpoint: `{decision, comment?, data?}`. Text that was typed into number fields becomes a
    number where it is one."""
    fields = [one for section in review.sections for one in section.fields]
    data = {one.name: _typed(one, typed) for one in fields if one.form == "checkbox" or typed.get(f"data.{one.name}")}
    told: dict[str, Any] = {"decision": typed.get("decision", "")}
    if typed.get("comment"):
        told["comment"] = typed["comment"]
    return told | ({"data": data} if data else {})


def _declared(spec: Any) -> list[tuple[str, dict[str, Any]]]:
    sections = spec.get("sections") if isinstance(spec, dict) else None
    if isinstance(sections, dict):
        return [(str(kind), body if isinstance(body, dict) else {"content": body}) for kind, body in sections.items()]
    if not isinstance(sections, list):
        return [("context", {})]
    return [(_kind(one), one if isinstance(one, dict) else {}) for one in sections]


def _kind(section: Any) -> str:
    return str(section.get("type", "context")) if isinstance(section, dict) else str(section)


def _section(kind: str, body: dict[str, Any], checkpoint: Checkpoint) -> Section:
    title = str(body.get("title") or body.get("label") or TITLES.get(kind, kind))
    shown = body.get("content", body.get("value"))
    if shown is None and kind in {"context", "input"}:
        shown = checkpoint.get(kind)
    fields = body.get("fields")
    listed = fields if isinstance(fields, list) else []
    return Section(kind, title, shown, tuple(_field(one) for one in listed if _name(one)))


def _field(declared: Any) -> Field:
    name = _name(declared)
    if not isinstance(declared, dict):
        return Field(name, name.replace("_", " ").capitalize())
    options = declared.get("options")
    listed = tuple(_option(one) for one in options) if isinstance(options, list) else ()
    form = "choice" if listed else FORMS.get(str(declared.get("type", "")).lower(), "line")
    label = str(declared.get("label") or name.replace("_", " ").capitalize())
    return Field(name, label, form, listed, _begun(form, declared.get("default", declared.get("value"))))


def _begun(form: str, value: Any) -> str:
    if form == "checkbox":
        return TICKED if value is True else ""
    return "" if value is None else str(value)


def _filled(fields: tuple[Field, ...], typed: Mapping[str, str]) -> tuple[Field, ...]:
    return tuple(replace(one, value=typed.get(f"data.{one.name}", "")) for one in fields)


def _name(declared: Any) -> str:
    return str(declared.get("name") or declared.get("id") or "") if isinstance(declared, dict) else str(declared)


def _option(option: Any) -> str:
    if isinstance(option, dict):
        return str(option.get("id") or option.get("value") or option.get("label") or "")
    return str(option)


def _typed(one: Field, typed: Mapping[str, str]) -> Any:
    value = typed.get(f"data.{one.name}", "")
    if one.form == "checkbox":
        return bool(value)
    if one.form != "number":
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value
