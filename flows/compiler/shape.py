"""Pass 1: the shape of a document (schema v2), as a list of errors in FastAPI's manner, in document order.

The JSON Schema is checked by jsonschema-rs (Rust, under a millisecond for 500 nodes); this module only
translates its keywords into the error types and sentences that FastAPI's clients know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from flows.compiler.diagnostics import Path, document_order
from flows.compiler.plain import canonical
from flows.compiler.schema import FLOW_SCHEMA, MAX_NODES

MAX_ERRORS, MOST_TOLD = 100, 5000

_VALIDATOR = jsonschema_rs.Draft202012Validator(FLOW_SCHEMA)
# Of the lists that may be long, each item by itself.
_ITEMS = {
    name: jsonschema_rs.Draft202012Validator(FLOW_SCHEMA["properties"][name]["items"] | {"$defs": FLOW_SCHEMA["$defs"]})
    for name in ("nodes", "edges", "variables", "tests")
}

_TYPES = {
    "string": ("string_type", "Input should be a valid string"),
    "integer": ("int_type", "Input should be a valid integer"),
    "number": ("float_type", "Input should be a valid number"),
    "boolean": ("bool_type", "Input should be a valid boolean"),
    "array": ("list_type", "Input should be a valid list"),
    "object": ("dict_type", "Input should be a valid dictionary"),
}


@dataclass(frozen=True)
class ShapeError:
    """One wrong place: `loc` relative to the document, e.g. `("nodes", 2, "label")`, and FastAPI's `msg` and `type`."""

    loc: tuple[str | int, ...]
    msg: str
    type: str


def check_shape(document: object) -> list[ShapeError]:
    """What keeps the document from being saved: at most the first 100 errors, in document order. Never raises."""
    copy, problems = canonical(document)
    if problems:
        return [ShapeError(path, f"Input {problem}", "json_type") for path, problem in problems]
    return shape_errors(copy, most=MAX_ERRORS)


def shape_errors(document: Any, *, most: int = MOST_TOLD) -> list[ShapeError]:
    """What is wrong with the shape of a document that is known to be plain JSON data, in document order. Of very many errors
    the first ones: the library makes all of them at once, some thousand bytes each, so items are tried one by one, and only
    wrong ones are asked why."""
    if _VALIDATOR.is_valid(document):
        return []
    errors = [_translated(error) for error in _VALIDATOR.iter_errors(_without_items(document))]
    if is_too_long(document):
        errors.append(_too_long())
    for error in _errors_of_items(document):
        if len(errors) >= most:
            break
        errors.append(error)
    errors.sort(key=lambda error: document_order(error.loc))
    return errors[:most]


def _too_long() -> ShapeError:
    code, message = _SENTENCES["maxItems"](MAX_NODES)
    return ShapeError(("nodes",), message, code)


def is_too_long(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("nodes"), list) and len(document["nodes"]) > MAX_NODES


def _without_items(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    items: dict[str, Any] = {name: [] for name in _ITEMS if isinstance(document.get(name), list)}
    return {name: _cut(value) for name, value in (document | items).items()}


def _errors_of_items(document: Any) -> Iterator[ShapeError]:
    for name, validator in _ITEMS.items() if isinstance(document, dict) else ():
        items = document.get(name)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if not validator.is_valid(item):
                for error in map(_translated, validator.iter_errors(_cut(item))):
                    yield ShapeError((name, index, *error.loc), error.msg, error.type)


def _cut(value: Any) -> Any:
    """The lists in it at most a hundred long."""
    if isinstance(value, list):
        return [_cut(each) for each in value[:MAX_ERRORS]]
    return {key: _cut(each) for key, each in value.items()} if isinstance(value, dict) else value


def _translated(error: Any) -> ShapeError:
    path: Path = tuple(error.instance_path)
    keyword = error.kind.name
    if keyword == "required":
        return ShapeError((*path, error.kind.property), "Field required", "missing")
    code, message = _SENTENCES[keyword](error.kind.value)
    return ShapeError(path, message, code)


def _type_sentence(types: Any) -> tuple[str, str]:
    return _TYPES[types if isinstance(types, str) else next(each for each in types if each != "null")]


def _enum_sentence(options: list[str]) -> tuple[str, str]:
    quoted = [f"'{option}'" for option in options]
    return "enum", f"Input should be {', '.join(quoted[:-1])} or {quoted[-1]}"


_SENTENCES: dict[str, Callable[[Any], tuple[str, str]]] = {
    "type": _type_sentence,
    "enum": _enum_sentence,
    "pattern": lambda value: ("string_pattern_mismatch", f"String should match pattern '{value}'"),
    "minimum": lambda value: ("greater_than_equal", f"Input should be greater than or equal to {value}"),
    "maximum": lambda value: ("less_than_equal", f"Input should be less than or equal to {value}"),
    "minLength": lambda value: ("string_too_short", f"String should have at least {value} character"),
    "maxItems": lambda value: ("too_long", f"List should have at most {value} items"),
}
