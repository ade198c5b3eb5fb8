"""The main job through the client that is generated from our document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.drawings import greeting
from tests.e2e.client import DOCUMENT, PACKAGE, Typed

pytestmark = pytest.mark.process


def new_flow(ada: Typed, name: str) -> Any:
    return ada("create_flow", body={"name": name, "content": greeting(name=name)})


def test_a_flow_is_drawn_saved_deployed_and_tested(ada: Typed) -> None:
    flow = new_flow(ada, "Typed")
    assert (flow.owner_id, flow.version, flow.level) == (ada("me").sub, "1.0.0", "admin")
    changed = greeting("Bye {{name}}", tests=[{"name": "one", "input": {"name": "Ada"}, "expect": {"text": "Bye Ada"}}])
    assert ada("update_flow", flow.id, body={"content": changed}).version == "1.0.1"
    diff = ada("diff_versions", flow.id, from_="1.0.0")
    assert [one.node_id for one in diff.nodes.changed] == ["greet"]
    deployed = ada("deploy_flow", flow.id, body={})
    tested = ada("run_tests", flow.id, body={"core_id": deployed.core_id})
    assert (tested.passed, tested.failed) == (1, 0)
    assert [one.core_id for one in ada("list_deployments", flow.id)] == [deployed.core_id]
    assert ada("get_job", deployed.job_id).state.value == "succeeded"


def test_failures_are_typed_too(ada: Typed) -> None:
    flow = new_flow(ada, "Failing")
    status, stale = ada.ask("update_flow", flow.id, body={"name": "Renamed"}, if_match='"old"')
    assert (status, type(stale).__name__, stale.detail.error) == (412, "Failure", "stale_version")
    assert stale.detail["current_version"] == "1.0.0"
    status, refused = ada.ask("get_flow", "flow_none")
    assert (status, type(refused).__name__, refused.detail) == (404, "Refusal", "flow not found")
    sent = {"principal_type": "user", "principal_id": " ", "level": "view"}
    status, problems = ada.ask("grant_level", flow.id, body=sent)
    assert (status, problems.detail[0].loc) == (422, ["body", "principal_id"])


def test_every_call_of_the_document_is_in_it(generated: Path) -> None:
    calls = [
        call["operationId"] for road in json.loads(DOCUMENT.read_bytes())["paths"].values() for call in road.values()
    ]
    assert sorted(
        path.stem for path in (generated / PACKAGE / "api").glob("*/*.py") if path.stem != "__init__"
    ) == sorted(calls)


def test_it_passes_a_type_checker(generated: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "/dev/null", "--cache-dir", str(generated / "cache"), "-p", PACKAGE],
        cwd=generated, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout[-3000:]
