"""A syntax tree to a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scaiflow.sandbox.runtime.errors import ExpressionError
from scaiflow.sandbox.runtime.expressions.functions import FUNCTIONS
from scaiflow.sandbox.runtime.expressions.parser import parse
from scaiflow.sandbox.runtime.expressions.syntax import (
    Attribute,
    Binary,
    Call,
    Index,
    ListOf,
    Literal,
    Name,
    Node,
    ObjectOf,
    Unary,
)
from scaiflow.sandbox.runtime.expressions.values import bounded, contains, equal, is_number, kind_of, less, text_of

Lookup = Callable[[str], Any]


def evaluate(source: str, lookup: Lookup) -> Any:
    """The value of an expression; `lookup` resolves names (None for unknown ones). Raises ExpressionError."""
    return value_of(parse(source), lookup)


def is_true(value: Any) -> bool:
    """null, false, 0, and empty text, lists and objects are not; everything else is."""
    return bool(value)


def value_of(node: Node, lookup: Lookup) -> Any:  # noqa: C901 - one case for each kind of node, nothing nested
    """The value of a tree."""
    match node:
        case Literal(value):
            return value
        case Name(name):
            return lookup(name)
        case Attribute(target, name):
            return _field(value_of(target, lookup), name)
        case Index(target, key):
            return _field(value_of(target, lookup), value_of(key, lookup))
        case Binary():
            return _binary(node, lookup)
        case Unary("not", operand):
            return not is_true(value_of(operand, lookup))
        case Unary(_, operand):
            return bounded(-_number(value_of(operand, lookup), "-"))
        case Call(function, arguments):
            return bounded(FUNCTIONS[function].call(*(value_of(argument, lookup) for argument in arguments)))
        case ListOf(items):
            return [value_of(item, lookup) for item in items]
        case ObjectOf(pairs):
            return {key: value_of(value, lookup) for key, value in pairs}


def _field(target: Any, key: Any) -> Any:
    """A field of an object or an item of a list (negative counts from the end); null when it is not there."""
    if isinstance(target, dict):
        return target.get(key) if isinstance(key, str) else None
    if isinstance(target, list) and isinstance(key, int) and not isinstance(key, bool):
        return target[key] if -len(target) <= key < len(target) else None
    return None


def _binary(node: Binary, lookup: Lookup) -> Any:
    left = value_of(node.left, lookup)
    if node.operator == "or":
        return left if is_true(left) else value_of(node.right, lookup)
    if node.operator == "and":
        return value_of(node.right, lookup) if is_true(left) else left
    return bounded(_OPERATORS[node.operator](left, value_of(node.right, lookup)))


def _number(value: Any, operator: str) -> Any:
    if not is_number(value):
        raise ExpressionError(f"{operator!r} needs numbers, not {kind_of(value)}")
    return value


def _plus(left: Any, right: Any) -> Any:
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    if isinstance(left, str) or isinstance(right, str):
        return text_of(left) + text_of(right)
    return _number(left, "+") + _number(right, "+")


def _divide(left: Any, right: Any) -> float:
    if _number(right, "/") == 0:
        raise ExpressionError("division by zero")
    return float(_number(left, "/") / right)


def _modulo(left: Any, right: Any) -> Any:
    if _number(right, "%") == 0:
        raise ExpressionError("division by zero")
    return _number(left, "%") % right


def _at_most(left: Any, right: Any) -> bool:
    return less(right, left) is False


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": lambda left, right: less(left, right) is True,
    ">": lambda left, right: less(right, left) is True,
    "<=": _at_most,
    ">=": lambda left, right: _at_most(right, left),
    "in": lambda left, right: contains(right, left),
    "not in": lambda left, right: not contains(right, left),
    "+": _plus,
    "-": lambda left, right: _number(left, "-") - _number(right, "-"),
    "*": lambda left, right: _number(left, "*") * _number(right, "*"),
    "/": _divide,
    "%": _modulo,
}
