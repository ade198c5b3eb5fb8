from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.compiler.expressions import BadExpression, parse, templates_in

GOOD = {
    "confidence > 0.7": {"confidence"},
    "a.b[0]['k'] == 'x' and not (c or d)": {"a", "c", "d"},
    "x not in [1, 'two', three]": {"x", "three"},
    "!done || -n % 2 <= len(items) + 1": {"done", "n", "items"},
    "coalesce(a, {'k': b}, null)": {"a", "b"},
    '"say \\"hi\\""': set(),
    "[1, 2.5e3, true]": set(),
    "max()": set(),
}
BAD = [
    "", "a b", "a +", "(a", "a.", "a[1", "f(x)", "eval('x')", "a == ", "and b", "1 2", "a..b", "'open", "a = b", "[1 2]",
    "{1}", "a ? b : c", "x; y", "import os", "(" * 500, "-" * 500, "a in", "not", "é",
]  # fmt: skip


@pytest.mark.parametrize("source", GOOD)
def test_an_expression_reads_its_names(source: str) -> None:
    assert parse(source).names == GOOD[source]


@pytest.mark.parametrize("source", BAD)
def test_what_is_no_expression_is_refused_in_words(source: str) -> None:
    with pytest.raises(BadExpression) as error:
        parse(source)
    assert str(error.value)


@pytest.mark.parametrize(
    ("source", "is_literal"), [("'refund'", True), ("[1, 2]", True), ("1 + 1", False), ("x", False)]
)
def test_a_bare_literal_is_told_apart(source: str, is_literal: bool) -> None:
    assert parse(source).is_literal is is_literal


def test_templates_end_where_their_expression_does() -> None:
    assert list(templates_in("a {{x}} b {{ {'k': {'l': '}}'}} }} c }}")) == ["x", " {'k': {'l': '}}'}} "]
    with pytest.raises(BadExpression):
        list(templates_in("{{ never closed"))


@settings(deadline=None)
@given(st.text(alphabet="ab1.'\"()[]{}<>=!&|+-*/%, notindr", max_size=40))
def test_any_text_is_parsed_or_refused(source: str) -> None:
    try:
        parse(source)
        list(templates_in(source))
    except BadExpression:
        pass
