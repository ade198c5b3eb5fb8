"""Golden cases: one file each, a document and what comes of it. `pytest tests/compiler --rewrite-cases` writes what comes of
them now, for review in the diff."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.compiler import KINDS, CompileError, check_shape, compile_flow, validate
from flows.compiler.diagnostics import CODES, SECTIONS
from tests.compiler.documents import CASES


def outcome_of(document: Any) -> dict[str, Any]:
    try:
        return {"manifest": yaml.load(compile_flow(document).body, yaml.CSafeLoader), "warnings": told(document)}
    except CompileError as error:
        return {"diagnostics": [found.as_dict() for found in error.diagnostics]}


def told(document: Any) -> list[str]:
    return [found.message for found in validate(document)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_document_becomes_what_its_case_says(path: Path, request: pytest.FixtureRequest) -> None:
    case = json.loads(path.read_text())
    outcome = outcome_of(case["document"])
    if request.config.getoption("--rewrite-cases"):
        path.write_text(json.dumps({"document": case["document"], **outcome}, indent=1, ensure_ascii=False) + "\n")
    else:
        assert outcome == {name: value for name, value in case.items() if name != "document"}


def test_there_is_a_case_of_every_kind_that_compiles() -> None:
    cases = [json.loads(path.read_text()) for path in CASES]
    seen = {node["type"] for case in cases if "manifest" in case for node in case["document"]["nodes"]}
    assert set(KINDS) == seen
    assert len(cases) >= 60


def test_there_is_a_case_of_every_diagnostic() -> None:
    """But of `too_large`, whose document would have 10 MB: it is in test_emitters.py."""
    seen = {found.code for path in CASES for found in validate(json.loads(path.read_text())["document"])}
    assert seen == set(CODES) - {"too_large"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_findings_come_in_document_order_each_with_its_place(path: Path) -> None:
    """Sections as the contract shows them, list items by number, keys by name, and a place before what is in it."""
    found = validate(json.loads(path.read_text())["document"])
    places = [place_of(each.path) for each in found]
    assert places == sorted(places)
    assert [each.severity for each in found] == [CODES[each.code] for each in found]


def place_of(path: str) -> tuple[int, list[tuple[int, str]]]:
    section, *parts = re.findall(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|(\w+)', path) or [("", "", "")]
    place = [(int(index), "") if index else (-1, key or quoted) for quoted, index, key in parts]
    return (SECTIONS.index(section[2]) if section[2] else -1), place


def test_every_wrong_shape_is_told_of_and_a_save_names_the_first_hundred() -> None:
    nodes = [{"id": f"n{number}", "type": "entry_api", "label": number} for number in range(150)]
    document = {"name": "Wrong", "nodes": nodes, "edges": []}
    wrong = [found.path for found in validate(document) if found.code == "bad_shape"]
    assert wrong == [f"nodes[{number}].{field}" for number in range(150) for field in ("label", "position")]
    assert len(check_shape(document)) == 100
