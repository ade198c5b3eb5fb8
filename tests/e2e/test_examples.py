"""Every example flow the whole way: a real server deploys it to a real sandbox, and its own tests pass over HTTP."""

from __future__ import annotations

import copy
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import MANAGE, Ports, start_sandbox, start_web, throwaway_environment
from scaiflow.console.visitor import Visitor, request
from tests.e2e.client import Typed
from tests.migrated import migrate

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.everywhere]
EXAMPLES = {path.name.removesuffix(".flow.json"): json.loads(path.read_text())
            for path in sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.flow.json"))}  # fmt: skip


@dataclass
class Stage:
    """A server with its sandbox, and Ada, whose flows are all the examples, each deployed."""

    group: Processes
    env: dict[str, str]
    ports: Ports
    state: Path
    ada: Visitor
    api: Typed  # she, through the client that is made from our document
    flows: dict[str, str]
    deployed: dict[str, dict[str, Any]]

    def core(self, name: str) -> str:
        return str(self.deployed[name]["core_id"])

    def run_tests(self, name: str) -> dict[str, Any]:
        told = self.api("run_tests", self.flows[name], body={"core_id": self.core(name)})
        return dict(told.to_dict())

    def invoke(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        return dict(self.api("invoke_core", self.core(name), body={"input": given}).to_dict()["data"])

    def runs(self, name: str) -> dict[str, list[dict[str, Any]]]:
        """The events of each run of a Core, oldest first, read page by page through the server."""
        found: list[dict[str, Any]] = []
        turned: dict[str, str] = {}
        while True:
            page = self.api("list_events", core_id=self.core(name), limit=500, **turned).to_dict()["data"]
            found += page["events"]
            if page["next_cursor"] is None:
                return split(reversed(found))
            turned = {"cursor": page["next_cursor"]}

    def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.ada.token}", "Content-Type": "application/json"}
        raw = None if body is None else json.dumps(body).encode()
        return request(method, f"http://127.0.0.1:{self.ports.sandbox}{path}", headers, raw)

    def kill_sandbox_and_start_it_again(self) -> None:
        """SIGKILL: it has no moment to put anything in order."""
        child = self.group.running["sandbox"]
        child.kill()
        child.wait()
        start_sandbox(self.group, self.env, self.ports, state=self.state)


def split(events: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By run. One run may call this Core several times: each of those is a run of its own here, `exec_...#2`."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    begun: Counter[str] = Counter()
    for event in events:
        kind, execution_id = event["type"].removeprefix("scaicore.runtime."), event["payload"]["execution_id"]
        begun[execution_id] += kind == "invocation.started"
        number = f"#{begun[execution_id]}" if begun[execution_id] > 1 else ""
        found[execution_id + number].append({"kind": kind, **event["payload"]})
    return found


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, generated: Path) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("examples")
    ports = Ports(web=free_port(), sandbox=free_port())
    env = throwaway_environment(clean_environment(), ports, folder)
    with Processes(logs=folder) as group:
        start_sandbox(group, env, ports, state=folder / "sandbox.db")
        migrate(group, env)
        group.run("seed", [*MANAGE, "seed"], env)
        start_web(group, env, ports)
        ada = Visitor(f"http://127.0.0.1:{ports.web}")
        ada.sign_in("usr_ada")
        api = Typed(ada.base_url, ada.token)
        ids = {flow.name: flow.id for flow in api("list_flows").items}
        flows = {name: ids[content["name"]] for name, content in EXAMPLES.items()}
        deployed = {name: api("deploy_flow", flow_id, body={}).to_dict() for name, flow_id in flows.items()}
        yield Stage(group, env, ports, folder / "sandbox.db", ada, api, flows, deployed)
        api.leave()


def test_make_run_seeds_all_eight_examples(stage: Stage) -> None:
    assert len(EXAMPLES) == 8
    names = {flow.name for flow in stage.api("list_flows").items}
    assert names == {content["name"] for content in EXAMPLES.values()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_passes_its_own_tests(stage: Stage, name: str) -> None:
    told = stage.run_tests(name)
    assert [result for result in told["results"] if not result["ok"]] == []
    assert (told["passed"], told["failed"]) == (len(EXAMPLES[name]["tests"]), 0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_wrong_expectation_fails_and_it_alone(stage: Stage, name: str) -> None:
    right = EXAMPLES[name]
    for number, fixture in enumerate(right["tests"]):
        wrong = copy.deepcopy(right)
        wrong["tests"][number]["expect"] = spoilt(fixture["expect"])
        stage.api("update_flow", stage.flows[name], body={"content": wrong})
        told = stage.run_tests(name)
        assert [result["name"] for result in told["results"] if not result["ok"]] == [fixture["name"]]
    stage.api("update_flow", stage.flows[name], body={"content": right})


def spoilt(expected: Any) -> Any:
    """The same expectation with its first leaf changed a little."""
    if isinstance(expected, dict) and expected:
        first = next(iter(expected))
        return {**expected, first: spoilt(expected[first])}
    if isinstance(expected, list):
        return [*expected, "one more"]
    if isinstance(expected, bool):
        return int(expected)
    return expected + 1 if isinstance(expected, int | float) else f"{expected}!"


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_events_name_each_executed_node_once_and_in_the_order_of_the_drawing(stage: Stage, name: str) -> None:
    stage.run_tests(name)
    graph = Graph(EXAMPLES[name])
    runs = stage.runs(name)
    assert len(runs) >= len(EXAMPLES[name]["tests"])
    for events in runs.values():
        entered = [event for event in events if event["kind"] == "block.entered"]
        order = [event["node_id"] for event in entered]
        assert set(order) <= graph.nodes
        assert set(Counter(event["path"] for event in entered).values()) == {1}
        assert {node for node, times in Counter(order).items() if times > 1} <= graph.in_loops
        assert [
            pair for pair in graph.before_one_another(set(order)) if order.index(pair[0]) > order.index(pair[1])
        ] == []
        assert events[0]["kind"] == "invocation.started"
        is_over = events[-1]["kind"] == "invocation.completed"
        ended = Counter(event["path"] for event in events if event["kind"] in {"block.exited", "block.failed"})
        assert not is_over or ended == Counter(event["path"] for event in entered)


class Graph:
    """Who comes before whom in a drawing."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.kinds = {node["id"]: node["type"] for node in content["nodes"]}
        self.nodes = {node for node, kind in self.kinds.items() if not kind.startswith("entry_")}
        self.edges = [(edge["source"]["node"], edge["target"]["node"]) for edge in content["edges"]]
        loops = [node for node, kind in self.kinds.items() if kind == "logic_loop"]
        self.in_loops = {node for loop in loops for node in self.behind(loop) if loop in self.behind(node)} - set(loops)

    def behind(self, node: str) -> set[str]:
        found: set[str] = set()
        waiting = [node]
        while waiting:
            here = waiting.pop()
            fresh = {target for source, target in self.edges if source == here} - found
            found |= fresh
            waiting += fresh
        return found

    def before_one_another(self, executed: set[str]) -> list[tuple[str, str]]:
        """Edges between executed nodes, but for those that lead back to a loop."""
        return [
            (source, target)
            for source, target in self.edges
            if {source, target} <= executed
            and not (self.kinds[target] == "logic_loop" and source in self.behind(target))
        ]


@pytest.mark.parametrize(
    ("decision", "chosen", "other"),
    [("approve", "node_accept", "node_refuse"), ("reject", "node_refuse", "node_accept")],
)
def test_a_checkpoint_survives_kill_9_and_only_the_chosen_branch_goes_on(
    stage: Stage, decision: str, chosen: str, other: str
) -> None:
    waiting = stage.invoke("expense-approver", {"claim": f"Laptop for 900 EUR, receipt attached, {decision}"})
    checkpoint_id = waiting["output"]["checkpoint"]["id"]
    before = stage.runs("expense-approver")[waiting["execution_id"]]
    stage.kill_sandbox_and_start_it_again()

    listed = stage.api("list_checkpoints", core_id=stage.core("expense-approver")).to_dict()["data"]["checkpoints"]
    assert checkpoint_id in [checkpoint["id"] for checkpoint in listed]
    resolved = stage.api("resolve_checkpoint", checkpoint_id, body={"decision": decision}).to_dict()

    run = resolved["data"]["execution"]
    assert (run["run_status"], run["output"]["decided_by"]) == ("completed", "usr_ada")
    after = stage.runs("expense-approver")[waiting["execution_id"]]
    assert after[: len(before)] == before
    entered = [event["node_id"] for event in after if event["kind"] == "block.entered"]
    assert chosen in entered
    assert other not in entered
    assert set(Counter(entered).values()) == {1}
    status, _ = stage.api.ask("resolve_checkpoint", checkpoint_id, body={"decision": decision})
    assert status == 404


def test_a_published_flow_is_a_model_that_can_be_chatted_with(stage: Stage) -> None:
    slug = stage.deployed["customer-support"]["published_slug"]
    assert slug in [model.slug for model in stage.api("list_models").data]
    asked = {"model": slug, "messages": [{"role": "user", "content": "How do I reset my forgotten password?"}]}
    answer = stage.sandbox("POST", "/v1/chat/completions", asked).body
    said = answer["choices"][0]["message"]["content"]
    assert "Forgot password" in said
    streamed = stage.sandbox("POST", "/v1/chat/completions", {**asked, "stream": True})
    lines = [line.removeprefix("data: ") for line in streamed.raw.decode().split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    pieces = [json.loads(line)["choices"][0]["delta"].get("content", "") for line in lines[:-1]]
    assert len(pieces) > 2
    assert "".join(pieces) == said


def test_what_the_flows_provisioned_is_seen_through_the_lookups(stage: Stage) -> None:
    scopes = {scope.slug: scope.id for scope in stage.api("list_scopes").data}
    wanted = {topology["scope"]: {queue["slug"] for queue in topology["queues"]}
              for content in EXAMPLES.values() if (topology := content["config"].get("scaiqueue"))}  # fmt: skip
    assert set(wanted) <= set(scopes)
    for scope, slugs in wanted.items():
        assert slugs <= {queue.slug for queue in stage.api("list_queues", scopes[scope]).data}
    waiting = stage.invoke("expense-approver", {"claim": "Laptop for 950 EUR, receipt attached"})
    assert waiting["output"]["bunker_id"] in [bunker.bunker_id for bunker in stage.api("list_bunkers").data]


def test_what_goes_wrong_at_the_services_is_told_as_it_is_documented(stage: Stage) -> None:
    try:
        stage.sandbox("POST", "/sandbox/switches", {"fail_status": 503, "fail_prefix": "/v1/modules/scaiqueue"})
        failed = stage.ada.send("GET", "/api/v1/scaiqueue/scopes")
        assert (failed.status, failed.body["detail"]["error"], failed.body["detail"]["status"]) == (
            502, "scaiqueue_api", 503,
        )  # fmt: skip
        stage.sandbox("POST", "/sandbox/switches", {"fail_status": 0, "rate_limit": 1})
        answers = [stage.ada.send("GET", "/api/v1/scaiqueue/scopes") for _ in range(2)]
        limited = answers[-1]
        assert limited.status == 429
        assert limited.body["error"]["code"] == "RATE_LIMITED"
        assert int(limited.headers["retry-after"]) >= 1
        assert {name for name in limited.headers if name.startswith("x-scaigrid-ratelimit-")} == {
            f"x-scaigrid-ratelimit-{word}" for word in ("limit", "remaining", "reset")
        }
    finally:
        stage.sandbox("POST", "/sandbox/switches", {"fail_status": 0, "rate_limit": 0})


def triggers(stage: Stage, name: str) -> list[str]:
    events = stage.api("list_events", core_id=stage.core(name), limit=500).to_dict()["data"]["events"]
    return [event["payload"]["trigger"] for event in events if event["type"].endswith("invocation.started")]


def test_a_webhook_and_the_clock_start_runs_too(stage: Stage) -> None:
    order = {"order": "A-9", "lines": [{"price": 5, "quantity": 2}]}
    assert stage.sandbox("POST", "/hooks/demo/order-intake/orders", order).status in {200, 202}
    assert triggers(stage, "order-intake")[0] == "webhook"
    before = triggers(stage, "daily-digest").count("schedule")
    assert stage.sandbox("POST", "/sandbox/clock", {"advance_seconds": 7 * 86_400}).status == 200
    assert triggers(stage, "daily-digest").count("schedule") > before
