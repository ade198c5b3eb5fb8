"""Pass 0: is the document plain JSON data at all, and if so, its canonical copy (keys sorted at every level).

Every later pass and every output works on that copy, so the key order of the input can never reach the bytes.
The fast road is a round trip through orjson; only when it fails does a slow walk look for the exact places.
"""

from __future__ import annotations

import math
import re
from typing import Any

import orjson

from flows.compiler.diagnostics import Path

MAX_DEPTH = 64
"""Levels of nesting in a document. More has no use, and would only try the recursion limits of readers down the road."""

MAX_KEY = 160
"""Characters in a key. YAML allows 1,024 for a key before its colon, and one escaped character takes up to six."""

MAX_PROBLEMS = 100

_ORJSON_DEPTH = 254  # orjson refuses to write more levels than this
_WRAPPING = _ORJSON_DEPTH - MAX_DEPTH
_SURROGATE = re.compile("[\ud800-\udfff]")

Problem = tuple[Path, str]


def canonical(document: object) -> tuple[Any, list[Problem]]:
    """The document with sorted keys and no problems; or None and where it is not plain JSON data."""
    copy, is_clean = _round_trip(document)
    if is_clean:
        return copy, []
    problems = _problems(document)
    if problems or copy is None:
        return None, problems or [((), "is not plain JSON data")]
    return copy, []


def _round_trip(document: object) -> tuple[Any, bool]:
    """The copy that orjson makes, or None; and whether nothing about it asks for the slow walk.

    Wrapped in as many lists as leave MAX_DEPTH levels below orjson's own limit, the document is refused by orjson
    exactly when it is too deep. NaN and the infinities come back as null, tuples as lists: such a copy is not equal.
    """
    wrapped = document
    for _ in range(_WRAPPING):
        wrapped = [wrapped]
    try:
        text = orjson.dumps(wrapped, option=orjson.OPT_SORT_KEYS)[_WRAPPING:-_WRAPPING]
    except TypeError:
        return None, False
    copy = orjson.loads(text)
    if copy != document:
        return None, False
    return copy, not _may_have_long_key(text)


def _may_have_long_key(text: bytes) -> bool:
    """Whether some key may be longer than MAX_KEY: never wrong when it says no.

    A regular expression took most of the check's time; this cuts the text behind its keys, with all escaped backslashes and
    quotes out of the way.
    """
    plain = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    return any(len(piece) - piece.rfind(b'"') > MAX_KEY + 1 for piece in plain.split(b'":')[:-1])


def _problems(document: object) -> list[Problem]:
    """What is not plain JSON data, and where: walked without recursion, at most MAX_PROBLEMS."""
    found: list[Problem] = []
    waiting: list[tuple[Path, object]] = [((), document)]
    while waiting and len(found) < MAX_PROBLEMS:
        path, value = waiting.pop()
        problem = _problem(value, len(path))
        if problem:
            found.append((path, problem))
        elif isinstance(value, dict):
            bad = [key for key in value if not _is_good_key(key)]
            found.extend((path, f"is a map with a key that is not text of at most {MAX_KEY} characters") for _ in bad)
            waiting.extend(((*path, key), value[key]) for key in reversed(list(value)) if _is_good_key(key))
        elif isinstance(value, list):
            waiting.extend(((*path, index), value[index]) for index in range(len(value) - 1, -1, -1))
    return found[:MAX_PROBLEMS]


def _is_good_key(key: object) -> bool:
    return type(key) is str and len(key) <= MAX_KEY and not _SURROGATE.search(key)


def _problem(value: object, depth: int) -> str | None:
    if isinstance(value, dict | list):
        return f"is nested deeper than {MAX_DEPTH} levels" if depth >= MAX_DEPTH else None
    if type(value) is str:
        return "holds half of a surrogate pair, which is no character" if _SURROGATE.search(value) else None
    if type(value) is float:
        return None if math.isfinite(value) else "is not a finite number"
    if type(value) is int:
        return None if -(2**63) <= value < 2**64 else "is an integer of more than 64 bits"
    return None if value is None or type(value) is bool else f"is a {type(value).__name__}, which JSON does not know"
