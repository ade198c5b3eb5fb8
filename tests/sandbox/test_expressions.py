from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaiflow.sandbox.runtime.errors import ExpressionError
from scaiflow.sandbox.runtime.expressions.evaluator import evaluate
from scaiflow.sandbox.runtime.expressions.parser import parse
from scaiflow.sandbox.runtime.expressions.templates import render
from scaiflow.sandbox.runtime.expressions.values import equal

NAMES = {"a": {"b": [1, 2, {"c": "x"}], "d": None}, "n": 3, "name": "Bob", "yes": True, "big": 10**15}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def value(source: str) -> Any:
    return evaluate(source, NAMES.get)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("1 - 2 - 3", -4),
        ("8 / 2", 4),
        ("7 % 4", 3),
        ("-2 * -3", 6),
        ("not yes or yes", True),
        ("not (yes and yes)", False),
        ("not n == 3", False),
        ("!n == true", False),
        ("yes || nothing && nothing", True),
        ("n > 2 and name == 'Bob'", True),
        ("'o' in name", True),
        ("4 not in [1, 2]", True),
        ("'b' in a", True),
        ("a.b[2].c", "x"),
        ('a["b"][-1]["c"]', "x"),
        ("a.nope.deeper[3]", None),
        ("missing", None),
        ("missing > 3 or missing < 3", False),
        ("1 == true", False),
        ("1 == 1.0", True),
        ("[1, [2]] == [1, [2]]", True),
        ("'a' + 1", "a1"),
        ("[1] + [2]", [1, 2]),
        ("{'k': n, other: [n]}", {"k": 3, "other": [3]}),
        ("True and not False and None == null", True),
        (r"'it\'s' + '\n'", "it's\n"),
        ("len(name) + len(a.b) + len(missing)", 6),
        ("upper(name) + lower('ABC')", "BOBabc"),
        ("contains(name, 'ob') and contains([1], 1)", True),
        ("starts_with(name, 'B') and ends_with(name, 'b')", True),
        ("int('42') + int(2.9)", 44),
        ("float('2.5')", 2.5),
        ("str(1.5) + str([1])", "1.5[1]"),
        ("round(2.5)", 3),
        ("round(2.675, 2)", 2.68),
        ("min(3, 1, 2) + max([1, 5])", 6),
        ("sum([1, 2.5])", 3.5),
        ("abs(-3)", 3),
        ("coalesce(missing, a.d, n)", 3),
        ("9223372036854776833 > big", True),
    ],
)
def test_an_expression_means_what_the_manifest_page_says(source: str, expected: Any) -> None:
    assert equal(value(source), expected)


@pytest.mark.parametrize(
    "source",
    ["", "(", "a b", "1 +", "[1, 2", "'open", "a.", "f(1)", "len()", "1 < 2 < 3", "a = 1", "__import__('os')", "a.b()"]
    + ["9" * 400]
    + ["(" * 200 + "1" + ")" * 200, "x" * 20_000, "'a' * 3", "1 / 0", "1 % 0", "n < 'x'", "-name", "int('x')", "1e999"],
)
def test_what_is_no_expression_is_an_error_and_nothing_worse(source: str) -> None:
    with pytest.raises(ExpressionError):
        value(source)


@given(VALUES)
def test_every_json_value_written_as_a_literal_is_itself(original: Any) -> None:
    assert equal(evaluate(json.dumps(original), NAMES.get), original)


@given(st.text(max_size=60))
def test_any_text_either_parses_or_is_an_expression_error(source: str) -> None:
    try:
        parse(source)
    except ExpressionError:
        return


@given(st.text("()[]{}.,:+-*/%<>=!&|'\"\\ na1_", max_size=40))
def test_any_soup_of_signs_either_has_a_value_or_is_an_expression_error(source: str) -> None:
    try:
        value(source)
    except ExpressionError:
        return


@given(
    st.integers(-999, 999),
    st.integers(-999, 999),
    st.integers(1, 99),
    st.sampled_from("+-*"),
    st.sampled_from("+-*%"),
)
def test_arithmetic_agrees_with_python(a: int, b: int, c: int, first: str, second: str) -> None:
    source = f"{a} {first} {b} {second} {c}"

    assert value(source) == eval(source)


@given(VALUES)
def test_a_lone_template_keeps_the_type_and_the_value(original: Any) -> None:
    assert equal(render({"deep": ["{{ x }}"]}, {"x": original}.get), {"deep": [original]})


@given(st.text().filter(lambda text: "{{" not in text))
def test_a_text_without_braces_is_its_own_template(text: str) -> None:
    assert render(text, NAMES.get) == text


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Hi {{name}}!", "Hi Bob!"),
        ("{{n}}{{n}}", "33"),
        ("<{{missing}}>", "<>"),
        ("x {{a.b}}", 'x [1, 2, {"c": "x"}]'),
        ("x {{yes}}", "x true"),
        ("{{ {'k': {'z': '}}'}}.k.z }}", "}}"),
        ("a lone }} is text", "a lone }} is text"),
        ("{{'é'}} ü", "é ü"),
    ],
)
def test_templates_are_filled_in(template: str, expected: str) -> None:
    assert render(template, NAMES.get) == expected


@pytest.mark.parametrize("template", ["{{", "{{ a", "{{}}", "{{ a }", "{{ 'x }}"])
def test_an_open_or_empty_template_is_an_error(template: str) -> None:
    with pytest.raises(ExpressionError):
        render(template, NAMES.get)
