"""Choosing one of an enum's values by the words that speak for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scaiflow.sandbox.runtime.standin.evidence import Evidence
from scaiflow.sandbox.runtime.standin.words import stems_of, texts_in, words_of

_FALLBACKS = ("other", "unknown", "none", "general", "neutral", "normal", "medium", "question", "default", "misc")
_CLAUSE = re.compile(r"[.;\n]")
_LEAD = r"(?:(?:use|choose|answer|pick|say|it is|is)\s+)?[\"'`]?"
_TAIL = r"[\"'`]?\s*(?::|=>|->|=|\(|\bmeans\b|\bwhen\b|\bif\b|\bfor\b|\bcovers\b|\bincludes\b)\s*(.+)"
_NAMED, _LISTED, _EXAMPLE = 2.0, 1.0, 0.5


@dataclass(frozen=True)
class Choice:
    """The chosen value, how clear it was (0.4 nothing spoke for it .. 0.95 nothing spoke against it), and the words."""

    option: str
    clarity: float
    because: tuple[str, ...]


def choose(evidence: Evidence, field: str, options: tuple[str, ...]) -> Choice:
    """The option that most of the evidence's words speak for; of equal ones the first that is declared."""
    known = evidence.field(field)
    if isinstance(known, str) and known in options:
        return Choice(known, 0.95, (known,))
    heard = set(evidence.stems)
    scores = [_score(heard, _keywords(evidence, option)) for option in options]
    best, runner_up = max(scores), sorted([*scores, 0.0], reverse=True)[1]
    if best == 0:
        spare = next((name for name in _FALLBACKS for option in options if option.lower() == name), None)
        return Choice(next((option for option in options if option.lower() == spare), options[0]), 0.4, ())
    option = options[scores.index(best)]
    because = tuple(
        word for word in words_of(evidence.text) if set(stems_of(word)) & _keywords(evidence, option).keys()
    )
    return Choice(option, round(0.55 + 0.4 * (best - runner_up) / best, 2), tuple(dict.fromkeys(because)))


def _score(heard: set[str], keywords: dict[str, float]) -> float:
    return sum(weight for word, weight in keywords.items() if word in heard)


def _keywords(evidence: Evidence, option: str) -> dict[str, float]:
    """Stems that speak for an option: those of examples that chose it, those listed for it, those of its own name."""
    weights: dict[str, float] = {}
    for texts, weight in (
        (_exemplary(evidence, option), _EXAMPLE),
        (listed_for(evidence.rules, option), _LISTED),
        ([option], _NAMED),
    ):
        weights |= dict.fromkeys((word for text in texts for word in stems_of(text)), weight)
    return weights


def listed_for(rules: str, option: str) -> list[str]:
    """What the rules say behind an option's name: `refund: money back, charged twice` or `Use refund when ...`."""
    name = r"[\s_-]+".join(re.escape(word) for word in words_of(option)) or re.escape(option)
    pattern = re.compile(rf"(?:^|[,(])\W*{_LEAD}{name}{_TAIL}", re.IGNORECASE)
    return [match.group(1) for clause in _CLAUSE.split(rules) if (match := pattern.search(clause.strip()))]


def _exemplary(evidence: Evidence, option: str) -> Iterable[str]:
    for example in evidence.turn.examples:
        if isinstance(example, dict) and option in set(_outputs(example)):
            yield from texts_in(example.get("input"))


def _outputs(example: dict[str, Any]) -> Iterable[str]:
    return texts_in(example.get("output", example.get("expect")))
