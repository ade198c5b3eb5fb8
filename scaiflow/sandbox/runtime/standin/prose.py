"""Composing text from what a turn holds."""

from __future__ import annotations

from collections import Counter
from typing import Any

from scaiflow.sandbox.runtime.standin.choice import Choice
from scaiflow.sandbox.runtime.standin.evidence import Evidence
from scaiflow.sandbox.runtime.standin.extraction import labelled, pattern_for
from scaiflow.sandbox.runtime.standin.words import STOPWORDS, sentences_of, stem, words_of

_REASONS = frozenset({"reason", "reasoning", "rationale", "explanation", "why", "justification"})
_SUMMARIES = frozenset({"summary", "title", "subject", "headline", "topic"})
_SOURCES = frozenset({"source", "sources", "citation", "reference"})
_ANSWERS = frozenset({"answer", "reply", "response", "text", "message", "draft", "body", "advice"})
_MOST = 400


def text_for(evidence: Evidence, field: str, choices: dict[str, Choice]) -> str:
    """A text field, by what its name asks for."""
    words = set(words_of(field))
    if words & _REASONS:
        return reason(choices, evidence)
    if words & _SOURCES:
        return evidence.passages[0].title if evidence.passages else ""
    if words & _ANSWERS:
        return reply(evidence)
    if words & _SUMMARIES:
        return summary(evidence)
    known = evidence.field(field)
    found = known if isinstance(known, str) else pattern_for(evidence, field) or labelled(evidence, field)
    return found or summary(evidence)


def summary(evidence: Evidence) -> str:
    """The first sentence of what was given."""
    sentences = sentences_of(evidence.text)
    return _cut(sentences[0]) if sentences else ""


def reply(evidence: Evidence) -> str:
    """The best passage of the context with its title; without one, what was asked and what the turn is for."""
    if evidence.support:
        best = evidence.passages[0]
        source = f" (source: {best.title})" if best.title else ""
        return f"{_cut(best.text)}{source}"
    asked = summary(evidence)
    if evidence.support is not None:
        return f"Nothing was found about this: {asked}"
    return f"{evidence.turn.goal.strip().rstrip('.')}: {asked}" if asked else evidence.turn.goal.strip()


def reason(choices: dict[str, Choice], evidence: Evidence) -> str:
    """Which words led to which choice."""
    lines = [
        f"{field} is {choice.option} because of: {', '.join(choice.because)}"
        if choice.because
        else f"{field} is {choice.option} for lack of any sign"
        for field, choice in choices.items()
    ]
    return "; ".join(lines) or f"Based on: {summary(evidence)}"


def keywords(evidence: Evidence) -> list[str]:
    """The words of most weight, at most five, the most frequent first."""
    words = [word for word in words_of(evidence.text) if word not in STOPWORDS and not word.isdigit() and len(word) > 2]
    counts = Counter(stem(word) for word in words)
    unique = {stem(word): word for word in reversed(words)}
    order = list(dict.fromkeys(stem(word) for word in words))
    return [unique[key] for key in sorted(order, key=lambda key: -counts[key])[:5]]


def items_for(evidence: Evidence, field: str) -> list[Any]:
    """A list that goes by the field's name, else the keywords."""
    known = evidence.field(field)
    return known if isinstance(known, list) else keywords(evidence)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST else text[: _MOST - 1].rsplit(" ", 1)[0] + "…"
