"""Whatever a document is, the compiler answers with diagnostics and raises nothing but its own error."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from flows.compiler import FLOW_SCHEMA, KINDS, validate
from flows.compiler.plain import canonical
from flows.compiler.shape import shape_errors
from tests.compiler.documents import DOCUMENTS, check

ODD: list[Any] = [
    None, True, 0, -1, 1e308, 2**70, "", "x", "{{", "{{a b}}", [], {}, [[]], {"a": {}}, "\ud800", "\0", float("nan"), [None],
    "else", "primary", "start", "input.x", {"x": 0, "y": 0}, ["a"], "\u2028", "0", 10**400,
]  # fmt: skip


def mutated(seed: int) -> Any:
    """A document of a case with a few places put out of order."""
    rng = random.Random(seed)
    document = copy.deepcopy(rng.choice(DOCUMENTS))
    for _ in range(rng.randint(1, 6)):
        places = walk(document)
        if not places:
            break
        holder, key = rng.choice(places)
        match rng.randint(0, 5):
            case 0 | 1:
                holder[key] = copy.deepcopy(rng.choice(ODD))
            case 2:
                del holder[key]
            case 3:
                holder[key] = copy.deepcopy(rng.choice(places)[0])
            case 4 if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case _ if isinstance(holder, dict) and "type" in holder:
                holder["type"] = rng.choice([*KINDS, "sequential", "conditional", "data"])
    return document


def walk(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a document, as what holds it and its key there."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        keys = list(each) if isinstance(each, dict) else list(range(len(each))) if isinstance(each, list) else []
        found += [(each, key) for key in keys]
        waiting += [each[key] for key in keys]
    return found


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32))
def test_the_errors_of_a_shape_are_those_that_the_schema_finds(seed: int) -> None:
    """Item by item as for the document as a whole."""
    document, problems = canonical(mutated(seed))
    if not problems:
        whole = Draft202012Validator(FLOW_SCHEMA).iter_errors(document)
        assert len(shape_errors(document)) == len({(tuple(error.instance_path), error.message) for error in whole})


WRONG = {
    "nodes": {"nodes": [0] * 300_000, "edges": []},
    "edges": {"nodes": [], "edges": [{}] * 300_000},
    "ports": {"nodes": [{"id": "a", "inputs": [0] * 500}] * 600, "edges": []},
    "plugins": {"nodes": [], "edges": [], "config": {"plugins": [{}] * 300_000}},
}


@pytest.mark.parametrize("name", WRONG)
def test_of_very_many_errors_no_more_are_made_than_are_told(name: str) -> None:
    """Three hundred thousand took half a gigabyte, and a body can hold some million."""
    document = {"name": "x"} | WRONG[name]
    found = validate(document)
    assert 100 <= sum(one.code == "bad_shape" for one in found) <= 5000


def test_a_document_that_is_too_long_is_told_that_alone() -> None:
    nodes = [{"id": "n", "type": "entry_api", "label": "", "position": {"x": 0, "y": 0}}] * 5001
    (found,) = validate({"name": "x", "nodes": nodes, "edges": []})
    assert (found.code, found.message) == ("bad_shape", "List should have at most 5000 items")


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32))
def test_a_mutated_document_has_diagnostics_and_nothing_else(seed: int) -> None:
    check(mutated(seed))


@pytest.mark.slow
def test_thousands_of_mutated_documents_have_diagnostics_and_nothing_else() -> None:
    for seed in range(5_000):
        check(mutated(seed))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)
ANYTHING = JSON | st.binary() | st.tuples(st.text()) | st.dictionaries(st.integers(), JSON) | st.complex_numbers()


@settings(max_examples=200, deadline=None)
@given(ANYTHING | st.fixed_dictionaries({"name": ANYTHING, "nodes": ANYTHING, "edges": ANYTHING, "config": ANYTHING}))
def test_anything_at_all_has_diagnostics_and_nothing_else(document: Any) -> None:
    check(document)
