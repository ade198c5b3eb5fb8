"""The main job through the client that is generated from our document."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaiflow.console.visitor import Visitor
from tests.drawings import greeting
from tests.e2e.client import DOCUMENT, PACKAGE, generate, load

pytestmark = pytest.mark.process


@pytest.fixture(scope="module", autouse=True)
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = generate(tmp_path_factory.mktemp("client"))
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture
def client(stage: Visitor) -> Iterator[Any]:
    with load("client").AuthenticatedClient(base_url=stage.base_url, token=stage.token) as made:
        yield made


def new_flow(client: Any, name: str) -> Any:
    content = load("models.flow_graph").FlowGraph.from_dict(greeting(name=name))
    return load("api.flows.create_flow").sync(
        client=client, body=load("models.flow_in").FlowIn(name=name, content=content)
    )


def test_a_flow_is_drawn_saved_deployed_and_tested(client: Any) -> None:
    me = load("api.me.me").sync(client=client)
    flow = new_flow(client, "Typed")
    assert (flow.owner_id, flow.version, flow.level) == (me.sub, "1.0.0", "admin")
    changed = greeting("Bye {{name}}", tests=[{"name": "one", "input": {"name": "Ada"}, "expect": {"text": "Bye Ada"}}])
    body = load("models.flow_change_in").FlowChangeIn.from_dict({"content": changed})
    saved = load("api.flows.update_flow").sync(flow.id, client=client, body=body)
    assert saved.version == "1.0.1"
    diff = load("api.flows.diff_versions").sync(flow.id, client=client, from_="1.0.0")
    assert [one.node_id for one in diff.nodes.changed] == ["greet"]
    deployed = load("api.flows.deploy_flow").sync(flow.id, client=client, body=load("models.deploy_in").DeployIn())
    tested = load("api.flows.run_tests").sync(
        flow.id, client=client, body=load("models.run_tests_in").RunTestsIn(core_id=deployed.core_id)
    )
    assert (tested.passed, tested.failed) == (1, 0)
    assert [one.core_id for one in load("api.flows.list_deployments").sync(flow.id, client=client)] == [
        deployed.core_id
    ]
    assert load("api.jobs.get_job").sync(deployed.job_id, client=client).state.value == "succeeded"


def test_failures_are_typed_too(client: Any) -> None:
    flow = new_flow(client, "Failing")
    body = load("models.flow_change_in").FlowChangeIn(name="Renamed")
    stale = load("api.flows.update_flow").sync(flow.id, client=client, body=body, if_match='"old"')
    assert (type(stale).__name__, stale.detail.error) == ("Failure", "stale_version")
    assert stale.detail["current_version"] == "1.0.0"
    refused = load("api.flows.get_flow").sync("flow_none", client=client)
    assert (type(refused).__name__, refused.detail) == ("Refusal", "flow not found")
    sent = load("models.acl_in").ACLIn.from_dict({"principal_type": "user", "principal_id": " ", "level": "view"})
    problems = load("api.flows.grant_level").sync(flow.id, client=client, body=sent)
    assert problems.detail[0].loc == ["body", "principal_id"]


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
