"""Words, stems and overlaps: all that the stand-in knows of language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SUFFIXES = ("ingly", "edly", "ings", "ies", "ied", "ing", "ed", "es", "ly", "s")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_STOPPED = (
    "a an and are as at be been but by can could did do does for from had has have how i if in into is it its just me "
    "my no not of on or our please so than that the their them then there these they this to too up us was we were "
    "what when where which who why will with would you your about after again all also any because before being both "
    "each few he her here him his more most nor off once only other out over own same she should some such under "
    "until very while am i'm it's don't can't"
)
STOPWORDS = frozenset(_STOPPED.split())


def words_of(text: str) -> list[str]:
    """The words of a text, lower case, in their order; `snake_case` and `camelCase` names fall into their parts."""
    return [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text))]


def stem(word: str) -> str:
    """A word without its ending: `charged`, `charges` and `charging` are one."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)] + ("y" if suffix in ("ies", "ied") else "")
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def stems_of(text: str) -> list[str]:
    """Stems of the words that carry meaning, in their order, with repetitions."""
    return [stem(word) for word in words_of(text) if word not in STOPWORDS]


def sentences_of(text: str) -> list[str]:
    """The sentences or lines of a text."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def texts_in(value: Any) -> Iterator[str]:
    """Every text inside a value, in document order; numbers are texts too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts_in(inner)


def coverage(wanted: Iterable[str], offered: Iterable[str]) -> float:
    """Which share of the wanted stems is offered, 0..1; 0 when none is wanted."""
    needed = set(wanted)
    return len(needed & set(offered)) / len(needed) if needed else 0.0
