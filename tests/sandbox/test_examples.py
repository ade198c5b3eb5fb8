"""The example flows as documents. That they deploy and pass their fixtures is a matter of the whole road."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.flow.json"))
FIRST = ("customer-support.flow.json", "expense-approver.flow.json")
KINDS = {
    *("entry_api", "entry_webhook", "entry_schedule", "llm_rigid", "llm_guarded", "llm_flexible", "logic_decision"),
    *("logic_loop", "logic_parallel", "tool_plugin", "tool_http", "data_variable_set", "checkpoint", "queue_publish"),
    *("queue_consume", "hitl_review", "hitl_decision", "queue_escalation", "compute_provision", "compute_exec"),
    *("compute_file_upload", "compute_file_download", "compute_destroy", "subflow_call"),
}


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def test_together_the_examples_use_every_kind() -> None:
    used = {node["type"] for path in EXAMPLES for node in read(path)["nodes"]}

    assert len(KINDS) == 24
    assert {path.name for path in EXAMPLES} > set(FIRST)
    assert used == KINDS


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.name not in FIRST], ids=lambda path: path.name)
def test_each_further_example_shows_kinds_that_the_first_two_do_not(path: Path) -> None:
    first = {node["type"] for one in EXAMPLES if one.name in FIRST for node in read(one)["nodes"]}

    assert {node["type"] for node in read(path)["nodes"]} - first


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_edge_joins_ports_that_are_there(path: Path) -> None:
    flow = read(path)
    outputs = {(node["id"], port["id"]) for node in flow["nodes"] for port in node["outputs"]}
    inputs = {(node["id"], port["id"]) for node in flow["nodes"] for port in node["inputs"]}

    assert {(edge["source"]["node"], edge["source"]["port"]) for edge in flow["edges"]} <= outputs
    assert {(edge["target"]["node"], edge["target"]["port"]) for edge in flow["edges"]} <= inputs
    assert len({edge["id"] for edge in flow["edges"]}) == len(flow["edges"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_flow_can_be_read_from_left_to_right_and_tests_itself(path: Path) -> None:
    flow = read(path)
    places = [(node["position"]["x"], node["position"]["y"]) for node in flow["nodes"]]

    assert len(set(places)) == len(places)
    assert flow["nodes"][0]["type"].startswith("entry_")
    assert min(x for x, _ in places) == flow["nodes"][0]["position"]["x"]
    assert len(flow["tests"]) >= 3
    assert all(fixture["name"] and fixture["expect"] for fixture in flow["tests"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_what_a_flow_names_it_declares(path: Path) -> None:
    flow = read(path)
    config = flow["config"]
    roles = {model["role"] for model in config["core_identity"]["models"]}
    queues = {queue["slug"] for queue in (config["scaiqueue"] or {"queues": []})["queues"]}
    variables = {variable["name"] for variable in flow["variables"]}
    settings = [node["config"] for node in flow["nodes"]]

    assert {one["llm_role"] for one in settings if "llm_role" in one} <= roles
    assert {one["queue"] for one in settings if "queue" in one} <= queues
    assert {one["plugin"] for one in settings if "plugin" in one} <= {plugin["alias"] for plugin in config["plugins"]}
    for node in flow["nodes"]:
        if node["type"] == "data_variable_set":
            assert set(node["config"].get("assignments") or {node["config"]["name"]}) <= variables
