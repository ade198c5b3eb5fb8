from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.expectations import is_met

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({}, {"a": 1}),
        ({"a": {"b": 1}}, {"a": {"b": 1.0, "c": 2}}),
        ([{"a": 1}], [{"a": 1, "b": 2}]),
        (None, None),
        (1, 1.0),
    ],
)
def test_a_subset_is_met(expected: Any, actual: Any) -> None:
    assert is_met(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (True, 1), (1, True), (0, False), (False, None), ("1", 1), ({"a": None}, {}), ([1], [1, 2]), ([1, 2], [2, 1]),
        ({}, []), ([], {}), ({"a": 1}, None), ("a", ["a"]), (None, 0),
    ],
)  # fmt: skip
def test_what_only_looks_alike_is_not_met(expected: Any, actual: Any) -> None:
    assert not is_met(expected, actual)


@given(JSON)
def test_everything_meets_itself(value: Any) -> None:
    assert is_met(value, value)


@given(st.dictionaries(st.text(), JSON), st.dictionaries(st.text(), JSON))
def test_more_keys_never_spoil_it(expected: dict[str, Any], more: dict[str, Any]) -> None:
    assert is_met(expected, more | expected)
