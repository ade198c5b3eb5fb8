"""What values are in the language: equality, truth, order, text."""

from __future__ import annotations

import json
import math
from typing import Any, TypeGuard

from scaiflow.sandbox.runtime.errors import ExpressionError

MAX_TEXT = 1_000_000
_MAX_INTEGER = 2**63


def is_number(value: object) -> TypeGuard[int | float]:
    """True for numbers; `true` is not `1`."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def kind_of(value: object) -> str:
    """The word for a value's type in messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if is_number(value):
        return "number"
    names = {"str": "text", "dict": "object"}
    return names.get(type(value).__name__, type(value).__name__)


def equal(left: Any, right: Any) -> bool:
    """Deep equality: numbers by value, everything else only with its own kind."""
    if is_number(left) and is_number(right):
        return left == right
    if kind_of(left) != kind_of(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    return bool(left == right)


def less(left: Any, right: Any) -> bool | None:
    """`left < right` of two numbers or two texts; None when one is null: nothing is less or more than null."""
    if left is None or right is None:
        return None
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return bool(left < right)  # type: ignore[operator]  # both are of one kind
    raise ExpressionError(f"cannot compare {kind_of(left)} with {kind_of(right)}")


def contains(whole: Any, part: Any) -> bool:
    """An item of a list, a part of a text, a key of an object; nothing is in null."""
    if whole is None:
        return False
    if isinstance(whole, list):
        return any(equal(item, part) for item in whole)
    if isinstance(whole, str):
        return isinstance(part, str) and part in whole
    if isinstance(whole, dict):
        return isinstance(part, str) and part in whole
    raise ExpressionError(f"nothing can be in {kind_of(whole)}")


def text_of(value: Any) -> str:
    """A value inside a longer text: text as it is, null as nothing, the rest as JSON; 680.0 reads 680."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_INTEGER:
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def bounded(value: Any) -> Any:
    """A computed value that is still of a sane size. Raises ExpressionError for infinities and huge texts."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("the number is too large")
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        return float(value) if abs(value) < 10**300 else bounded(math.inf)
    if isinstance(value, str | list) and len(value) > MAX_TEXT:
        raise ExpressionError("the value is too large")
    return value
