"""Golden cases: one file each, a document and what comes of it. `pytest tests/compiler --rewrite-cases` writes what comes of
them now, for review in the diff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.compiler import KINDS, CompileError, compile_flow, validate
from flows.compiler.diagnostics import CODES, SECTIONS
from tests.compiler.documents import CASES


def outcome_of(document: Any) -> dict[str, Any]:
    try:
        return {"manifest": yaml.safe_load(compile_flow(document).body), "warnings": told(document)}
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
    """But of `too_large`, whose document would have 10 MB: it is in test_ways.py."""
    seen = {found.code for path in CASES for found in validate(json.loads(path.read_text())["document"])}
    assert seen == set(CODES) - {"too_large"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_findings_come_in_document_order_each_with_its_place(path: Path) -> None:
    found = validate(json.loads(path.read_text())["document"])
    places = []
    for each in found:
        section, _, rest = each.path.partition("[")
        index = rest.partition("]")[0]
        places.append((SECTIONS.index(section.partition(".")[0]), int(index) if index.isdigit() else -1))
        assert each.severity == CODES[each.code]
    assert places == sorted(places)
