"""Text to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from scaiflow.sandbox.runtime.errors import ExpressionError

Kind = Literal["number", "string", "name", "operator", "end"]

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>(?:\d+\.\d+|\d+)(?:[eE][+-]?\d+)?)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<operator>\|\||&&|==|!=|<=|>=|[-+*/%<>!.,:()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass(frozen=True)
class Token:
    """`text` of a string is its value, without quotes and escapes; `at` is the offset in the source."""

    kind: Kind
    text: str
    at: int


def tokens_of(source: str) -> list[Token]:
    """All tokens, then one `end`. Raises ExpressionError for a character that starts none."""
    found: list[Token] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise ExpressionError(f"unexpected character {source[at]!r} at {at} in {source!r}")
        kind, text = match.lastgroup, match.group()
        if kind == "string":
            found.append(Token("string", _whole(_ESCAPE.sub(_unescaped, text[1:-1])), at))
        elif kind in ("number", "name", "operator"):
            found.append(Token(kind, text, at))  # type: ignore[arg-type]  # narrowed by the line above
        at = match.end()
    return [*found, Token("end", "", at)]


def _whole(text: str) -> str:
    """Surrogate pairs as the one character that they stand for; halves, which no encoder takes, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescaped(match: re.Match[str]) -> str:
    escape = match.group(1)
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _ESCAPES.get(escape, escape)
