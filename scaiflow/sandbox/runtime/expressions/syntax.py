"""The syntax tree of an expression."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Literal:
    """Text, a number, true, false or null."""

    value: str | int | float | bool | None


@dataclass(frozen=True)
class ListOf:
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class ObjectOf:
    """`{"k": v}`; keys are text."""

    pairs: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Name:
    """A name that the scope resolves."""

    name: str


@dataclass(frozen=True)
class Attribute:
    """`target.name`."""

    target: Node
    name: str


@dataclass(frozen=True)
class Index:
    """`target[key]`."""

    target: Node
    key: Node


@dataclass(frozen=True)
class Call:
    """`function(arguments)` of the closed table."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Unary:
    """`not x`, `-x`."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Binary:
    """Every infix operator, under its canonical spelling (`or and in not-in == != < <= > >= + - * / %`)."""

    operator: str
    left: Node
    right: Node


Node = Literal | ListOf | ObjectOf | Name | Attribute | Index | Call | Unary | Binary


def is_bare_literal(node: Node) -> bool:
    """A literal, or a list of literals: a decision compares it with its subject and does not take it as a condition."""
    if isinstance(node, Unary) and node.operator == "-":
        return isinstance(node.operand, Literal)
    return isinstance(node, Literal) or (isinstance(node, ListOf) and all(is_bare_literal(item) for item in node.items))
