"""The example flows, compiled and run by the sandbox, without ScaiFlow's server in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.compiler import compile_flow
from scaiflow.sandbox.config import Config
from tests.sandbox.client import SandboxClient
from tests.sandbox.conftest import running
from tests.sandbox.test_examples import EXAMPLES, read

SCOPES = "/v1/modules/scaiqueue/scopes"
CORES = "/v1/modules/scaicore/cores"


@pytest.fixture(scope="module")
def ada() -> Iterator[SandboxClient]:
    """Ada, in a sandbox to which every example is deployed: some call others."""
    with running(Config(port=0)) as url:
        client = SandboxClient(url).sign_in("usr_ada")
        for path in EXAMPLES:
            provision(client, read(path)["config"]["scaiqueue"])
            made = client.send_yaml("POST", CORES, compile_flow(read(path)).body.decode())
            assert made.status == 201, made.text
        yield client


def provision(client: SandboxClient, wanted: dict[str, Any] | None) -> None:
    if wanted:
        scope_id = client.post(SCOPES, {"slug": wanted["scope"]}).data["id"]
        for queue in wanted["queues"]:
            made = client.post(f"{SCOPES}/{scope_id}/queues", {name: queue[name] for name in ("slug", "consumer_mode")})
            assert made.status == 201


def messages_of(client: SandboxClient, scope: str, queue: str) -> list[dict[str, Any]]:
    scopes = {one["slug"]: one["id"] for one in client.get(SCOPES).data}
    queues = {one["slug"]: one["id"] for one in client.get(f"{SCOPES}/{scopes[scope]}/queues").data}
    return list(client.get(f"{SCOPES}/{scopes[scope]}/queues/{queues[queue]}/messages").data)


def core_of(client: SandboxClient, slug: str) -> str:
    return next(str(core["id"]) for core in client.get(f"{CORES}?limit=500").data if core["slug"] == slug)


def holds(expected: Any, found: Any) -> bool:
    """`expected` is a deep subset of `found`."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            name in found and holds(expected[name], found[name]) for name in expected
        )
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(holds, expected, found))
    return type(expected) is type(found) and expected == found if isinstance(expected, bool) else expected == found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_fixture_holds_and_every_block_is_told_once(ada: SandboxClient, path: Path) -> None:
    flow = read(path)
    core_id = core_of(ada, path.name.removesuffix(".flow.json"))
    nodes = {node["id"] for node in flow["nodes"]}
    for fixture in flow["tests"]:
        answer = ada.run(core_id, fixture["input"])

        assert holds(fixture["expect"], answer["output"]), (fixture["name"], answer["output"])
        events = [one for one in ada.events(core_id) if one["payload"]["execution_id"] == answer["execution_id"]]
        entered = [one["payload"] for one in events if one["type"].endswith("block.entered")]
        assert {block["node_id"] for block in entered} <= nodes
        assert set(Counter(block["path"] for block in entered).values()) == {1}


@pytest.mark.parametrize(("decision", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_a_manager_decides_on_an_expense_and_it_is_filed(ada: SandboxClient, decision: str, status: str) -> None:
    waiting = ada.run(core_of(ada, "expense-approver"), {"claim": f"Laptop for 900 EUR, receipt attached ({decision})"})
    checkpoint_id = waiting["output"]["checkpoint"]["id"]

    answer = ada.post(f"/v1/modules/scaicore/checkpoints/{checkpoint_id}/resolve", {"decision": decision})

    run = answer.data["execution"]
    assert (run["run_status"], run["output"]["decided_by"]) == ("completed", "usr_ada")
    payload = {"status": status, "decided_by": "usr_ada", "amount": 900, "category": "hardware"}
    assert payload in [message["payload"] for message in messages_of(ada, "finance", "decided")]
    bunkers = {one["bunker_id"]: one["status"] for one in ada.get("/v1/modules/scaibunker/bunkers?limit=500").data}
    assert bunkers[run["output"]["bunker_id"]] == "destroyed"


def test_customer_support_answers_as_a_chat_model(ada: SandboxClient) -> None:
    ada.post(f"{CORES}/{core_of(ada, 'customer-support')}/publish")
    messages = [{"role": "user", "content": "How do I reset my forgotten password?"}]

    answer = ada.post("/v1/chat/completions", {"model": "scaicore/demo/customer-support", "messages": messages}).json

    assert "Forgot password" in answer["choices"][0]["message"]["content"]
