"""The expression language of docs/manifest.md, parsed: what names an expression reads, or what is wrong with it.

A Pratt parser (Vaughan Pratt, "Top Down Operator Precedence", 1973): a table of binding powers instead of a rule per level.
The compiler never evaluates; it wants to know that the runtime will be able to, and which names it will look for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

ANY = 10_000
FUNCTIONS = {
    "len": (1, 1), "lower": (1, 1), "upper": (1, 1), "contains": (2, 2), "starts_with": (2, 2), "ends_with": (2, 2),
    "int": (1, 1), "float": (1, 1), "str": (1, 1), "round": (1, 2), "min": (1, ANY), "max": (1, ANY), "sum": (1, 1),
    "abs": (1, 1), "coalesce": (1, ANY),
}  # fmt: skip
"""Each with the least and the most arguments that it takes."""

LITERALS = frozenset({"true", "false", "null", "True", "False", "None"})
POWERS = {
    "or": 1, "||": 1, "and": 2, "&&": 2, "in": 4, "not in": 4, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
}  # fmt: skip
NOT_POWER, SIGN_POWER, CALL_POWER = 3, 7, 8
COMPARED = POWERS["=="]
MAX_DEPTH = 60
MAX_LENGTH = 10_000
END = ("end", "")
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign>==|!=|<=|>=|\|\||&&|[-+*/%<>!()\[\]{},.:]))""",
    re.DOTALL,
)
Token = tuple[str, str]


class BadExpression(Exception):
    """The end of a sentence that begins with the field's name."""


@dataclass(frozen=True)
class Parsed:
    """`reads` are the names that are looked up, each with the field that is asked of it (`a.b`; else "")."""

    reads: frozenset[tuple[str, str]]

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.reads}


@lru_cache(maxsize=4096)
def parse(source: str) -> Parsed:
    """Raises BadExpression."""
    if len(source) > MAX_LENGTH:
        raise BadExpression(f"is longer than {MAX_LENGTH} characters")
    parser = _Parser(_tokens(source))
    parser.expression(0, 0)
    if parser.here != END:
        raise BadExpression(f"has {_told(parser.here)} where the expression should end")
    return Parsed(frozenset(parser.reads))


def templates_in(text: str) -> Iterator[str]:
    """What stands between `{{` and `}}`, in order. Raises BadExpression when the braces do not match."""
    at = 0
    while (start := text.find("{{", at)) >= 0:
        end = _closing(text, start + 2)
        if end < 0:
            raise BadExpression("has a {{ without its }}")
        yield text[start + 2 : end]
        at = end + 2


def _closing(text: str, at: int) -> int:
    """The `}}` that is neither in a literal nor closes a map."""
    depth, quote = 0, ""
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "{":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        elif text.startswith("}}", at):
            return at
        at += 1
    return -1


def _tokens(source: str) -> list[Token]:
    found, at, source = [], 0, source.rstrip()
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise BadExpression(f"has {source[at : at + 10].strip()!r}, which is no part of an expression")
        found.append((str(match.lastgroup), str(match[str(match.lastgroup)])))
        at = match.end()
    return [*found, END]


def _told(token: Token) -> str:
    return "nothing" if token == END else repr(token[1])


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.at = tokens, 0
        self.reads: set[tuple[str, str]] = set()

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.here
        self.at += token != END
        return token

    def expect(self, sign: str) -> None:
        if self.take() != ("sign", sign):
            raise BadExpression(f"lacks a {sign!r}")

    def expression(self, power: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise BadExpression(f"is nested deeper than {MAX_DEPTH} levels")
        self.prefix(depth + 1)
        while (binding := self.binding()) > power:
            self.infix(binding, depth + 1)
            if binding == self.binding() == COMPARED:
                raise BadExpression("compares in a chain; join the comparisons with and")

    def binding(self) -> int:
        kind, text = self.here
        if kind == "name" and text == "not" and self.tokens[self.at + 1] == ("name", "in"):
            return POWERS["not in"]
        if (kind, text) in (("sign", "."), ("sign", "[")):
            return CALL_POWER
        return POWERS.get(text, 0) if kind in ("sign", "name") else 0

    def infix(self, binding: int, depth: int) -> None:
        _, text = self.take()
        if text == ".":
            if self.take()[0] != "name":
                raise BadExpression("lacks a name behind a dot")
        elif text == "[":
            self.expression(0, depth)
            self.expect("]")
        else:
            self.at += text == "not"
            self.expression(binding, depth)

    def prefix(self, depth: int) -> None:
        kind, text = self.take()
        if kind == "name":
            self.word(text, depth)
        elif kind == "sign" and text in PREFIXES:
            PREFIXES[text](self, depth)
        elif kind == "number" and float(text) == math.inf:
            raise BadExpression(f"has the number {text[:20]}, which is too large")
        elif kind not in ("number", "text"):
            raise BadExpression(f"has {_told((kind, text))} where a value should be")

    def word(self, text: str, depth: int) -> None:
        if text == "not":
            self.expression(NOT_POWER, depth)
        elif text in ("and", "or", "in"):
            raise BadExpression(f"has {text!r} where a value should be")
        elif self.here == ("sign", "("):
            self.call(text, depth)
        elif text not in LITERALS:
            self.reads.add((text, self.field_ahead()))

    def field_ahead(self) -> str:
        """`b` where the parser stands between the `a` and the dot of `a.b`."""
        if self.here != ("sign", "."):
            return ""
        kind, text = self.tokens[self.at + 1]
        return text if kind == "name" else ""

    def call(self, name: str, depth: int) -> None:
        if name not in FUNCTIONS:
            raise BadExpression(f"calls {name!r}; there are {', '.join(sorted(FUNCTIONS))}")
        self.take()
        least, most = FUNCTIONS[name]
        given = self.items(")", depth)
        if not least <= given <= most:
            raise BadExpression(f"calls {name} with {given} arguments")

    def items(self, end: str, depth: int, *, keys: bool = False) -> int:
        """How many there are up to the `end`."""
        count = 0
        while self.here != ("sign", end):
            if keys:
                self.key()
            self.expression(0, depth)
            count += 1
            if self.here != ("sign", end):
                self.expect(",")
        self.take()
        return count

    def key(self) -> None:
        token = self.take()
        if token[0] not in ("name", "text"):
            raise BadExpression(f"has {_told(token)} where a key should be")
        self.expect(":")

    def group(self, depth: int) -> None:
        self.expression(0, depth)
        self.expect(")")

    def signed(self, depth: int) -> None:
        self.expression(SIGN_POWER, depth)

    def negated(self, depth: int) -> None:
        self.expression(SIGN_POWER, depth)

    def listed(self, depth: int) -> None:
        self.items("]", depth)

    def mapped(self, depth: int) -> None:
        self.items("}", depth, keys=True)


PREFIXES = {
    "(": _Parser.group,
    "-": _Parser.signed,
    "!": _Parser.negated,
    "[": _Parser.listed,
    "{": _Parser.mapped,
}
