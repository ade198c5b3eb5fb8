from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.compiler.yaml_writer import as_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(TEXT, VALUES, min_size=1))
@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
def test_whatever_is_written_is_read_back_as_it_was(loader: Any, value: dict[str, Any]) -> None:
    assert repr(yaml.load(as_yaml(value), Loader=loader)) == repr(value)
    inline = {"meta": value, "steps": [value]}
    assert repr(yaml.load(as_yaml(inline), Loader=loader)) == repr(inline)


LOOKALIKES = [
    "1e3", "0o17", "0x1f", "017", "1_000", "12:30:45", "2026-01-01", "yes", "NO", "On", "null", "~", "true", ".inf", ".nan",
    "=", "<<", "-", "?", ":", "- a", "a: b", "a #b", "#a", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "{a}", "[a]",
    "", " a", "a ",
    "a\nb", "a\u2028b", "\ufeffa", "\x7f", "\x85", "\U0001f600", "'", '"', "\\",
]  # fmt: skip


@pytest.mark.parametrize("text", LOOKALIKES)
def test_a_text_stays_a_text_whatever_it_looks_like(text: str) -> None:
    assert yaml.safe_load(as_yaml({"steps": [{"value": text}], "meta": {text: text}})) == {
        "steps": [{"value": text}],
        "meta": {text: text},
    }


@pytest.mark.parametrize("number", [1e16, 1.5e-7, -2e300, 5e-324, 0.1, 1e15, 123456789012345680.0])
def test_a_number_stays_a_number_for_old_readers_too(number: float) -> None:
    assert yaml.safe_load(as_yaml({"n": number, "meta": {"n": [number]}})) == {"n": number, "meta": {"n": [number]}}


def test_people_read_blocks_and_machines_read_the_rest() -> None:
    steps = [
        {"llm_turn": "Classify the message", "bind": "a", "meta": {"x": [1, {"y": None}]}},
        {"set": {"n": "n + 1"}},
    ]
    assert as_yaml({"steps": steps}).decode() == (
        "steps:\n"
        '  - llm_turn: "Classify the message"\n'
        "    bind: a\n"
        '    meta: {"x":[1,{"y":null}]}\n'
        "  - set:\n"
        '      "n": "n + 1"\n'
    )
