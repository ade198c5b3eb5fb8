"""The deterministic stand-in for a model: it reads, and other words give other answers."""

from __future__ import annotations

from typing import Any

import pytest

from scaiflow.sandbox.runtime.schema import misfits
from scaiflow.sandbox.runtime.services import Turn
from scaiflow.sandbox.runtime.standin.model import StandIn
from scaiflow.sandbox.runtime.standin.words import stem


def answer(text: Any, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    input = text if isinstance(text, dict) else {"message": text}
    fields: dict[str, Any] = {"goal": "Read the message", "bindings": {}, "context": {}, **more}
    turn = Turn(role="primary", model={}, persona="Agent", input=input, schema=schema, **fields)
    return StandIn().answer(turn)


KINDS = {"kind": "enum[invoice, complaint, praise, other]", "confidence": "number"}


def test_the_options_own_words_decide() -> None:
    assert answer("Here is the invoice for April", KINDS)["kind"] == "invoice"
    assert answer("I want to complain, this complaint is serious", KINDS)["kind"] == "complaint"


def test_words_listed_in_the_guidance_decide() -> None:
    guidance = "complaint: broken, rude\npraise: great, thank"

    assert answer("It arrived broken", KINDS, guidance=guidance)["kind"] == "complaint"
    assert answer("Great service, thanks", KINDS, guidance=guidance)["kind"] == "praise"


@pytest.mark.parametrize(
    "goal", ["Use praise for great or lovely.", "praise (great, lovely); complaint (bad)", "praise = great, lovely"]
)
def test_words_are_found_however_the_goal_lists_them(goal: str) -> None:
    assert answer("How lovely", KINDS, goal=goal)["kind"] == "praise"


def test_examples_teach() -> None:
    examples = ({"input": "my toaster smokes", "output": {"kind": "complaint"}},)

    assert answer("the toaster smokes again", KINDS, examples=examples)["kind"] == "complaint"


def test_without_a_sign_it_is_the_fallback_option_with_low_confidence() -> None:
    found = answer("zzz", KINDS)

    assert found == {"kind": "other", "confidence": 0.4}


def test_confidence_falls_when_two_options_are_as_likely() -> None:
    clear = answer("an invoice", KINDS)["confidence"]
    torn = answer("an invoice and a complaint", KINDS)["confidence"]

    assert clear > 0.9
    assert torn < 0.6


def test_confidence_without_a_choice_is_how_much_the_context_covers() -> None:
    documents = {"documents": [{"title": "Tea", "snippet": "Green tea is brewed at 80 degrees"}]}
    schema = {"answer": "string", "confidence": "number"}

    known = answer("At how many degrees is green tea brewed?", schema, context=documents)
    unknown = answer("Who won the football match?", schema, context=documents)

    assert known["confidence"] > 0.7 > 0.4 > unknown["confidence"]
    assert "80 degrees" in known["answer"]
    assert "80 degrees" not in unknown["answer"]


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("Dinner for 4 people, EUR 420", "amount", 420),
        ("Total 1,234.50 USD", "total", 1234.5),
        ("it cost 1.234,50 €", "cost", 1234.5),
        ("3 nights at 120 EUR", "nights", 3),
        ("3 nights at 120 EUR", "price", 120),
        ("order 17 has 5 items", "items", 5),
        ("nothing here", "amount", 0),
    ],
)
def test_numbers_are_taken_out_of_the_text(text: str, field: str, expected: float) -> None:
    assert answer(text, {field: "number"}) == {field: expected}


def test_a_field_that_is_already_there_is_taken_over() -> None:
    input = {"order": {"customer_name": "Eve", "amount": 12}, "urgent": True}

    found = answer(input, {"customerName": "string", "amount": "number", "urgent": "boolean"})

    assert found == {"customerName": "Eve", "amount": 12, "urgent": True}


@pytest.mark.parametrize(
    ("text", "expected"), [("the parcel is damaged", True), ("the parcel is not damaged", False), ("all fine", False)]
)
def test_yes_or_no_is_whether_the_text_speaks_of_it(text: str, expected: bool) -> None:
    assert answer(text, {"is_damaged": "boolean"})["is_damaged"] is expected


def test_addresses_and_dates_are_found() -> None:
    found = answer("Mail eve@example.org by 2026-05-01", {"email": "string", "due_date": "string"})

    assert found == {"email": "eve@example.org", "due_date": "2026-05-01"}


def test_bindings_narrow_what_is_read() -> None:
    schema = {"kind": KINDS["kind"]}

    assert answer({"a": "invoice", "b": "praise"}, schema, bindings={"b": "praise"})["kind"] == "praise"


def test_without_a_schema_it_answers_text() -> None:
    assert set(answer("hello", {})) == {"text"}


def test_every_type_is_filled_so_that_it_fits() -> None:
    types = ("string", "number", "integer", "int", "boolean", "bool", "object", "array", "list", "enum[a, b]")
    schema = {f"field_{at}": type for at, type in enumerate(types)}

    assert misfits(answer("Some 12 words about a thing", schema), schema) == []


@pytest.mark.parametrize("words", ["charge charged charging", "refund refunds refunded", "ship shipped shipping"])
def test_forms_of_a_word_share_their_stem(words: str) -> None:
    assert len({stem(word) for word in words.split()}) == 1
