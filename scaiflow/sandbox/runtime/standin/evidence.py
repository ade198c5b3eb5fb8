"""What a turn gives the stand-in to go by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from scaiflow.sandbox.runtime.services import Turn
from scaiflow.sandbox.runtime.standin.words import coverage, stems_of, texts_in, words_of

_MOST_CHARACTERS = 8_000  # as much as is read; keeps the patterns quick on any input
_BODY = ("snippet", "content", "text", "body", "answer")


@dataclass(frozen=True)
class Passage:
    """One document of the context: a search result, or a plain text."""

    title: str
    text: str


@dataclass(frozen=True)
class Evidence:
    """`given` is what the turn is about (its input bindings, else the whole input), `context` what it may draw on."""

    turn: Turn
    given: Any
    context: Any

    @cached_property
    def text(self) -> str:
        return "\n".join(texts_in(self.given))[:_MOST_CHARACTERS]

    @cached_property
    def stems(self) -> list[str]:
        return stems_of(self.text)

    @cached_property
    def rules(self) -> str:
        """Goal and guidance: the prose that may list words for an option."""
        return f"{self.turn.goal}\n{self.turn.guidance}"[:_MOST_CHARACTERS]

    @cached_property
    def passages(self) -> list[Passage]:
        """The context's documents, the one that answers best first."""
        found = list(_passages(self.context))
        return sorted(found, key=lambda passage: -coverage(self.stems, stems_of(f"{passage.title} {passage.text}")))

    @cached_property
    def support(self) -> float | None:
        """How much of what is asked the best passage covers, 0..1; None without a context."""
        if not self.turn.context:
            return None
        best = self.passages[0] if self.passages else Passage("", "")
        return coverage(self.stems, stems_of(f"{best.title} {best.text}"))

    def field(self, name: str) -> Any:
        """A value that already goes by this name (spelling aside), in what is given or in the context; None if none."""
        wanted = words_of(name)
        return next((value for key, value in _pairs([self.given, self.context]) if words_of(key) == wanted), None)


def evidence_of(turn: Turn) -> Evidence:
    """The evidence of a turn."""
    return Evidence(turn, turn.bindings or turn.input, turn.context)


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((str(key), inner) for key, inner in value.items())
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _pairs(inner)


def _passages(value: Any) -> Iterator[Passage]:
    if isinstance(value, str):
        yield Passage("", value)
    elif isinstance(value, list):
        for inner in value:
            yield from _passages(inner)
    elif isinstance(value, dict):
        body = next((value[name] for name in _BODY if isinstance(value.get(name), str)), None)
        if body is not None:
            yield Passage(str(value.get("title") or ""), body)
        else:
            yield from _passages(list(value.values()))
