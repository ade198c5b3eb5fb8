"""The compiler over HTTP: what a canvas sees while somebody draws. Nothing is saved."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from flows.compiler import FLOW_SCHEMA, KINDS, compile_flow, validate
from flows.compiler.emit_ir import MAGIC, unpack
from flows.models import Flow
from tests.conftest import Caller
from tests.drawings import edge, greeting, node

COMPILE, VALIDATE = "/api/v1/flows/compile", "/api/v1/flows/validate"


def wrong() -> dict[str, Any]:
    """Two errors and a warning."""
    return greeting("", nodes=[node("start", "entry_api", method="FETCH"), node("greet", "llm_rigid")]) | {
        "variables": [{"name": "unread"}]
    }


@pytest.mark.parametrize("format", ["yaml", "ir", "scai"])
def test_a_flow_with_errors_has_an_empty_body_and_its_errors(ada: Caller, format: str) -> None:
    answer = ada.post(COMPILE, {"content": wrong(), "format": format})
    told = answer.json()
    assert (answer.status_code, told["format"], told["body"]) == (200, format, "")
    assert [(each["severity"], each["code"], each["path"]) for each in told["errors"]] == [
        ("error", "bad_config", "nodes[0].config.method"),
        ("error", "missing_config", "nodes[1].config.template"),
    ]


def test_the_manifest_is_text_and_the_ir_is_base64(ada: Caller) -> None:
    bodies = {
        each: ada.post(COMPILE, {"content": greeting(), "format": each}).json() for each in ("yaml", "ir", "scai")
    }
    assert [told["errors"] for told in bodies.values()] == [[], [], []]
    assert bodies["yaml"]["body"] == compile_flow(greeting()).body.decode()
    assert bodies["scai"]["body"] == compile_flow(greeting(), format="scai").body.decode()
    ir = base64.b64decode(bodies["ir"]["body"], validate=True)
    assert ir.startswith(MAGIC)
    assert unpack(ir)["name"] == "greeting"


def test_yaml_is_what_nobody_asked_otherwise(ada: Caller) -> None:
    assert ada.post(COMPILE, {"content": greeting()}).json()["format"] == "yaml"


def test_errors_make_a_flow_invalid_and_all_findings_are_told(ada: Caller) -> None:
    answer = ada.post(VALIDATE, {"content": wrong()})
    told = answer.json()
    assert (answer.status_code, told["valid"]) == (200, False)
    assert told["diagnostics"] == [found.as_dict() for found in validate(wrong())]
    assert [each["severity"] for each in told["diagnostics"]] == ["error", "error", "warning"]
    assert set(told["diagnostics"][0]) == {"severity", "code", "message", "path", "node_id", "edge_id"}


def test_warnings_alone_leave_a_flow_valid(ada: Caller) -> None:
    told = ada.post(VALIDATE, {"content": greeting(variables=[{"name": "unread"}])}).json()
    assert (told["valid"], [each["code"] for each in told["diagnostics"]]) == (True, ["unused_variable"])
    assert ada.post(VALIDATE, {"content": greeting()}).json() == {"valid": True, "diagnostics": []}


def test_emptied_boxes_are_told_of_and_no_bug(ada: Caller) -> None:
    """An `args` that is text used to be a 500."""
    search = node("search", "tool_plugin", plugin="scaidrive", method="search", args="")
    content = greeting(nodes=[node("start", "entry_api"), search], edges=[edge("start", "search", port="out_request")])
    assert [each["code"] for each in ada.post(COMPILE, {"content": content}).json()["errors"]] == ["missing_plugin_arg"]
    assert ada.post(VALIDATE, {"content": content}).json()["valid"] is False


def test_nothing_is_saved(ada: Caller) -> None:
    for road in (COMPILE, VALIDATE):
        ada.post(road, {"content": greeting()})
    assert Flow.objects.count() == 0


def test_the_schema_that_is_served_is_the_one_that_checks(ada: Caller) -> None:
    served = Caller().get("/api/schemas/flow/v2.json").json()
    assert served == FLOW_SCHEMA
    assert served["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert served["$id"] == "/api/schemas/flow/v2.json"
    assert served["$defs"]["node"]["properties"]["type"]["enum"] == list(KINDS)
