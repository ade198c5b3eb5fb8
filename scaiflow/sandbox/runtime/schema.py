"""The types of `output_schema`: `string`, `number`, `integer`, `boolean`, `object`, `array`, `enum[a, b]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from scaiflow.sandbox.runtime.expressions.values import is_number

_ENUM = re.compile(r"enum\s*\[(.*)\]", re.DOTALL)
_KINDS = {
    "string": "string",
    "text": "string",
    "number": "number",
    "float": "number",
    "integer": "integer",
    "int": "integer",
    "boolean": "boolean",
    "bool": "boolean",
    "object": "object",
    "array": "array",
    "list": "array",
    "enum": "enum",
}


@dataclass(frozen=True)
class FieldType:
    """`kind` is one of the seven above; `options` are an enum's values."""

    kind: str
    options: tuple[str, ...] = ()


def field_type(declared: Any) -> FieldType | None:
    """The type that a schema's value declares, as text or as `{"type", "enum"}`; None when it is none of them."""
    if isinstance(declared, dict):
        return _from_object(declared)
    if not isinstance(declared, str):
        return None
    enum = _ENUM.fullmatch(declared.strip())
    if enum:
        return _enum(enum.group(1).split(","))
    kind = _KINDS.get(declared.strip().lower())
    return FieldType(kind) if kind and kind != "enum" else None


def _from_object(declared: dict[str, Any]) -> FieldType | None:
    """A type written as a map: an enum's values, a JSON Schema `type`, else the fields of an object."""
    options = declared.get("enum") or declared.get("options") or declared.get("values")
    if isinstance(options, list):
        return _enum(options)
    return field_type(declared["type"]) if isinstance(declared.get("type"), str) else FieldType("object")


def _enum(options: list[Any]) -> FieldType | None:
    named = tuple(str(option).strip().strip("\"'") for option in options)
    return FieldType("enum", named) if named and all(named) else None


def fits(value: Any, wanted: FieldType) -> bool:
    """Whether a model's value is of the type."""
    if wanted.kind == "enum":
        return value in wanted.options
    if wanted.kind == "number":
        return is_number(value)
    if wanted.kind == "integer":
        return is_number(value) and float(value).is_integer()
    return isinstance(value, {"string": str, "boolean": bool, "object": dict, "array": list}[wanted.kind])


def misfits(answer: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong with a model's answer, one line for each field; empty when all of it fits."""
    if not isinstance(answer, dict):
        return ["the answer is not an object"]
    wrong = []
    for name, declared in schema.items():
        wanted = field_type(declared)
        if name not in answer:
            wrong.append(f"{name} is missing")
        elif wanted and not fits(answer[name], wanted):
            wrong.append(f"{name} is not of type {declared}")
    return wrong
