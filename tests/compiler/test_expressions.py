from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.compiler.expressions import BadExpression, parse, templates_in
from scaiflow.sandbox.runtime.errors import ExpressionError
from scaiflow.sandbox.runtime.expressions.parser import parse as runtime_parse
from scaiflow.sandbox.runtime.expressions.templates import parts_of

GOOD = {
    "confidence > 0.7": {"confidence"},
    "a.b[0]['k'] == 'x' and not (c or d)": {"a", "c", "d"},
    "x not in [1, 'two', three]": {"x", "three"},
    "!done || -n % 2 <= len(items) + 1": {"done", "n", "items"},
    "coalesce(a, {'k': b}, null)": {"a", "b"},
    '"say \\"hi\\""': set(),
    "[1, 2.5e3, true]": set(),
    "max(a, 1)": {"a"},
    "{k: v, 'l': w}": {"v", "w"},
}
BAD = [
    "", "a b", "a +", "(a", "a.", "a[1", "f(x)", "eval('x')", "a == ", "and b", "1 2", "a..b", "'open", "a = b", "[1 2]",
    "{1}", "a ? b : c", "x; y", "import os", "(" * 500, "-" * 500, "a in", "not", "é",
    "max()", "len(a, b)", "a < b < c", "{1: 2}", "1e999",
    "a " + "+ a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("source", GOOD)
def test_an_expression_reads_its_names(source: str) -> None:
    assert parse(source).names == GOOD[source]


@pytest.mark.parametrize("source", BAD)
def test_what_is_no_expression_is_refused_in_words(source: str) -> None:
    with pytest.raises(BadExpression) as error:
        parse(source)
    assert str(error.value)


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


NAMES = st.sampled_from(["a", "b_2", "input", "item", "in", "not", "and", "true", "None", "len"])
ATOMS = NAMES | st.sampled_from(["1", "0.5", "2e3", "1e999", "'x'", '"y\\""', "[]", "{}", "''", "(", "=", ""])
INFIX = st.sampled_from(
    ["or", "||", "and", "&&", "in", "not in", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "=", ""]
)
CALLED = st.sampled_from(["len", "lower", "contains", "round", "min", "coalesce", "sum", "eval"])


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    joined = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.tuples(inner, INFIX, inner).map(" ".join),
        st.tuples(st.sampled_from(["not ", "!", "-", "("]), inner).map("".join),
        st.tuples(CALLED, joined).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(inner, NAMES).map(".".join),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]}[{parts[1]}]"),
        joined.map(lambda text: f"[{text}]"),
        inner.map(lambda text: f"({text})"),
        st.tuples(ATOMS, inner).map(lambda parts: f"{{{parts[0]}: {parts[1]},}}"),
    )


@settings(max_examples=1500, deadline=None)
@given(st.recursive(ATOMS, larger, max_leaves=6))
def test_what_the_compiler_takes_is_what_the_runtime_takes(source: str) -> None:
    assert _takes(parse, BadExpression, source) == _takes(runtime_parse, ExpressionError, source)
    template = f"a {{{{{source}}}}} b {{ }}"
    ours = _takes(lambda text: [parse(inner) for inner in templates_in(text)], BadExpression, template)
    assert ours == _takes(parts_of, ExpressionError, template)


def _takes(read: Callable[[str], object], refusal: type[Exception], source: str) -> bool:
    try:
        read(source)
    except refusal:
        return False
    return True
