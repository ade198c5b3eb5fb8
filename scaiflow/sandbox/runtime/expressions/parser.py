"""Tokens to a syntax tree, by operator precedence (a Pratt parser)."""

from __future__ import annotations

from functools import lru_cache

from scaiflow.sandbox.runtime.errors import ExpressionError
from scaiflow.sandbox.runtime.expressions.functions import FUNCTIONS
from scaiflow.sandbox.runtime.expressions.lexer import Token, tokens_of
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
from scaiflow.sandbox.runtime.expressions.values import bounded

MAX_DEPTH = 100
MAX_LENGTH = 10_000

_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_SPELLING = {"||": "or", "&&": "and", "!": "not"}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})
# Weakest first, as docs/manifest.md lists them.
_STRENGTH = {"or": 1, "and": 2, **dict.fromkeys(_COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
_NOT, _MINUS = 3, 7
_WORDS = frozenset({"or", "and", "not", "in"})


@lru_cache(maxsize=2048)
def parse(source: str) -> Node:
    """The tree of an expression. Raises ExpressionError with the place of the first thing that does not fit."""
    if len(source) > MAX_LENGTH:
        raise ExpressionError(f"an expression is at most {MAX_LENGTH} characters long")
    parser = _Parser(source)
    node = parser.expression(0)
    parser.expect_end()
    return node


class _Parser:
    def __init__(self, source: str) -> None:
        self._source, self._tokens, self._at, self._depth = source, tokens_of(source), 0, 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _error(self, token: Token) -> ExpressionError:
        what = "unexpected end" if token.kind == "end" else f"unexpected {token.text!r}"
        return ExpressionError(f"{what} at {token.at} in {self._source!r}")

    def _accept(self, text: str) -> bool:
        if self._next.kind == "operator" and self._next.text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._error(self._next)

    def expect_end(self) -> None:
        if self._next.kind != "end":
            raise self._error(self._next)

    def expression(self, weakest: int) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"an expression is nested at most {MAX_DEPTH} deep")
        left = self._postfix(self._prefix())
        while (operator := self._infix()) and (strength := _STRENGTH[operator]) > weakest:
            at = self._next
            self._at += 2 if operator == "not in" else 1
            left = Binary(operator, left, self.expression(strength))
            if operator in _COMPARISONS and self._infix() in _COMPARISONS:
                raise ExpressionError(f"comparisons do not chain: {at.text!r} at {at.at} in {self._source!r}")
        self._depth -= 1
        return left

    def _infix(self) -> str | None:
        """The canonical name of the infix operator that comes next, None when none does."""
        token = self._next
        if token.kind not in ("operator", "name"):
            return None
        if token.text == "not":
            following = self._tokens[self._at + 1]
            return "not in" if following.kind == "name" and following.text == "in" else None
        operator = _SPELLING.get(token.text, token.text)
        return operator if operator in _STRENGTH else None

    def _prefix(self) -> Node:
        token = self._take()
        if token.kind == "number":
            return Literal(_number_of(token.text))
        if token.kind == "string":
            return Literal(token.text)
        if token.kind == "name":
            return self._word(token)
        return self._sign(token)

    def _word(self, token: Token) -> Node:
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text])
        if token.text == "not":
            return Unary("not", self.expression(_NOT))
        if token.text in _WORDS:
            raise self._error(token)
        return self._call(token) if self._accept("(") else Name(token.text)

    def _sign(self, token: Token) -> Node:
        if token.text == "!":
            # `!a == b` is `(not a) == b` wherever `!` is known, unlike the word.
            return Unary("not", self.expression(_MINUS))
        if token.text == "-":
            return Unary("-", self.expression(_MINUS))
        if token.text == "(":
            inner = self.expression(0)
            self._expect(")")
            return inner
        if token.text == "[":
            return ListOf(tuple(self._separated("]")))
        if token.text == "{":
            return self._object()
        raise self._error(token)

    def _postfix(self, node: Node) -> Node:
        while True:
            if self._accept("."):
                name = self._take()
                if name.kind != "name":
                    raise self._error(name)
                node = Attribute(node, name.text)
            elif self._accept("["):
                node = Index(node, self.expression(0))
                self._expect("]")
            else:
                return node

    def _call(self, token: Token) -> Node:
        function = FUNCTIONS.get(token.text)
        if function is None:
            raise ExpressionError(f"unknown function {token.text!r} at {token.at} in {self._source!r}")
        arguments = tuple(self._separated(")"))
        if not function.least <= len(arguments) <= function.most:
            raise ExpressionError(f"{token.text}() takes {function.takes} arguments, not {len(arguments)}")
        return Call(token.text, arguments)

    def _separated(self, end: str) -> list[Node]:
        items: list[Node] = []
        while not self._accept(end):
            items.append(self.expression(0))
            if not self._accept(","):
                self._expect(end)
                break
        return items

    def _object(self) -> Node:
        pairs: list[tuple[str, Node]] = []
        while not self._accept("}"):
            key = self._take()
            if key.kind not in ("string", "name"):
                raise self._error(key)
            self._expect(":")
            pairs.append((key.text, self.expression(0)))
            if not self._accept(","):
                self._expect("}")
                break
        return ObjectOf(tuple(pairs))


def _number_of(text: str) -> int | float:
    """Whole numbers stay exact as far as the language is exact; longer ones are floating-point from the start."""
    whole = text.isdigit() and len(text) <= 18
    return int(text) if whole else float(bounded(float(text)))
