"""The closed table of functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from typing import Any

from scaiflow.sandbox.runtime.errors import ExpressionError
from scaiflow.sandbox.runtime.expressions.values import contains, is_number, kind_of, less, text_of

_ANY = 100


@dataclass(frozen=True)
class Function:
    """A function and how many arguments it takes."""

    call: Callable[..., Any]
    least: int
    most: int

    @property
    def takes(self) -> str:
        if self.most == _ANY:
            return f"at least {self.least}"
        return str(self.least) if self.least == self.most else f"{self.least} or {self.most}"


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    raise ExpressionError(f"text is needed, not {kind_of(value)}")


def _number(value: Any) -> int | float:
    if is_number(value):
        return value
    raise ExpressionError(f"a number is needed, not {kind_of(value)}")


def _len(value: Any) -> int:
    if value is None or isinstance(value, str | list | dict):
        return len(value or "")
    raise ExpressionError(f"{kind_of(value)} has no length")


def _float(value: Any) -> float:
    if isinstance(value, bool) or is_number(value):
        return float(value)
    try:
        return float(_text(value))
    except ValueError as error:
        raise ExpressionError(f"{value!r} is not a number") from error


def _int(value: Any) -> int:
    number = value if is_number(value) else _float(value)
    try:
        return int(number)
    except (ValueError, OverflowError) as error:
        raise ExpressionError(f"{value!r} is not a whole number") from error


def _round(value: Any, digits: Any = 0) -> int | float:
    """Half away from zero, as people round money; without digits the answer is whole, and a whole number stays one."""
    places = max(-15, min(15, int(_number(digits))))
    if isinstance(value, int) and places >= 0:
        return int(_number(value))
    rounded = Decimal(str(_number(value))).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return int(rounded) if places <= 0 else float(rounded)


def _extreme(*, largest: bool) -> Callable[..., Any]:
    def pick(*values: Any) -> Any:
        items = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
        known = [item for item in items if item is not None]
        if not known:
            return None
        return reduce(lambda best, item: item if less(best, item) is largest else best, known)

    return pick


def _sum(values: Any) -> int | float:
    if values is None:
        return 0
    if not isinstance(values, list):
        raise ExpressionError(f"a list is needed, not {kind_of(values)}")
    return sum(_number(value) for value in values)


FUNCTIONS = {
    "len": Function(_len, 1, 1),
    "lower": Function(lambda value: _text(value).lower(), 1, 1),
    "upper": Function(lambda value: _text(value).upper(), 1, 1),
    "contains": Function(contains, 2, 2),
    "starts_with": Function(lambda value, part: _text(value).startswith(_text(part)), 2, 2),
    "ends_with": Function(lambda value, part: _text(value).endswith(_text(part)), 2, 2),
    "int": Function(_int, 1, 1),
    "float": Function(_float, 1, 1),
    "str": Function(text_of, 1, 1),
    "round": Function(_round, 1, 2),
    "min": Function(_extreme(largest=False), 1, _ANY),
    "max": Function(_extreme(largest=True), 1, _ANY),
    "sum": Function(_sum, 1, 1),
    "abs": Function(lambda value: abs(_number(value)), 1, 1),
    "coalesce": Function(lambda *values: next((value for value in values if value is not None), None), 1, _ANY),
}
