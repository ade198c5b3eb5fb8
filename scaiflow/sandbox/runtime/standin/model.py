"""The stand-in itself: one answer for one turn, the same on every machine and every time."""

from __future__ import annotations

from typing import Any

from scaiflow.sandbox.runtime.expressions.values import is_number
from scaiflow.sandbox.runtime.schema import FieldType, field_type
from scaiflow.sandbox.runtime.services import Turn
from scaiflow.sandbox.runtime.standin.choice import Choice, choose
from scaiflow.sandbox.runtime.standin.evidence import Evidence, evidence_of
from scaiflow.sandbox.runtime.standin.extraction import number_for, truth_of
from scaiflow.sandbox.runtime.standin.prose import items_for, reply, text_for
from scaiflow.sandbox.runtime.standin.words import words_of

_CERTAINTIES = frozenset({"confidence", "certainty", "probability", "likelihood", "score"})


class StandIn:
    """A Model that reads and never guesses at random."""

    def answer(self, turn: Turn) -> dict[str, Any]:
        """The fields of the turn's schema; without one `{"text": ...}`."""
        evidence = evidence_of(turn)
        if not turn.schema:
            return {"text": reply(evidence)}
        types = {name: field_type(declared) or FieldType("string") for name, declared in turn.schema.items()}
        choices = {name: choose(evidence, name, type.options) for name, type in types.items() if type.kind == "enum"}
        return {name: _value(evidence, name, type, choices) for name, type in types.items()}


def _value(evidence: Evidence, name: str, type: FieldType, choices: dict[str, Choice]) -> Any:
    if type.kind == "enum":
        return choices[name].option
    if type.kind == "number":
        return _certainty(evidence, choices) if _is_certainty(evidence, name) else _plain(number_for(evidence, name))
    if type.kind == "integer":
        return round(number_for(evidence, name))
    if type.kind == "boolean":
        return truth_of(evidence, name)
    if type.kind == "array":
        return items_for(evidence, name)
    if type.kind == "object":
        known = evidence.field(name)
        return known if isinstance(known, dict) else {}
    return text_for(evidence, name, choices)


def _is_certainty(evidence: Evidence, name: str) -> bool:
    return bool(set(words_of(name)) & _CERTAINTIES) and not is_number(evidence.turn.bindings.get(name))


def _certainty(evidence: Evidence, choices: dict[str, Choice]) -> float:
    """How clear the least clear choice was; without a choice, how well the context covers what is asked."""
    if choices:
        return min(choice.clarity for choice in choices.values())
    return 0.5 if evidence.support is None else round(0.3 + 0.65 * evidence.support, 2)


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else number
