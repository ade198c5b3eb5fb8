"""The table of kinds is the one place where a kind is defined."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.compiler import FLOW_SCHEMA, KINDS, Kind
from flows.compiler.formats import FORMATS
from flows.compiler.kinds import page
from tests.compiler.documents import CASES, ROOT

CONTRACT = [
    "entry_api", "entry_webhook", "entry_schedule", "llm_rigid", "llm_guarded", "llm_flexible", "logic_decision",
    "logic_loop", "logic_parallel", "tool_plugin", "tool_http", "data_variable_set", "checkpoint", "queue_publish",
    "queue_consume", "hitl_review", "hitl_decision", "queue_escalation", "compute_provision", "compute_exec",
    "compute_file_upload", "compute_file_download", "compute_destroy", "subflow_call",
]  # fmt: skip
KNOWN = {"logic_decision", "logic_loop", "logic_parallel", "entry_schedule", "data_variable_set"}
"""Those that mean something to the order of a flow or to its names."""
WORDS = {"checkpoint", "hitl_review"}
"""Words of the manifest too."""


def test_there_are_the_24_kinds_of_the_contract_and_the_schema_takes_them_from_the_table() -> None:
    assert set(KINDS) == set(CONTRACT)
    assert len(KINDS) == 24
    assert FLOW_SCHEMA["$defs"]["node"]["properties"]["type"]["enum"] == list(KINDS)


def test_the_page_of_kinds_is_what_the_table_says() -> None:
    assert (ROOT / "docs/node-kinds.md").read_text() == page.node_kinds_page(), "run make node-kinds"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_is_in_no_module_but_the_tables(kind: Kind) -> None:
    compiler = ROOT / "flows/compiler"
    guilty = [
        path.name
        for path in compiler.rglob("*.py")
        if path.parent.name != "kinds" and f'"{kind.name}"' in path.read_text()
    ]
    assert guilty == [] or kind.name in KNOWN | WORDS


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_has_its_example_case(kind: Kind) -> None:
    assert f"kind-{kind.name}" in {Path(path).stem for path in CASES}


def test_every_format_is_told_of_on_the_page() -> None:
    assert set(page.FORMATS) == set(FORMATS)
