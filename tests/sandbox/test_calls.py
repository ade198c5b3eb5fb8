"""Cores that call other Cores."""

from __future__ import annotations

from tests.sandbox.client import SandboxClient, manifest, step
from tests.sandbox.steps import ASK, resolve


def test_a_core_calls_another_and_reads_its_answer(ada: SandboxClient, olaf: SandboxClient) -> None:
    ada.deploy([step("double", set={"twice": "input.n * 2"})], name="doubler")
    sub = step("sub", core_call={"target": "core://demo/doubler", "input_bindings": {"n": "input.value"}})

    assert ada.run(ada.deploy([sub, step("s", set={"r": "sub.twice + 1"})]), {"value": 20})["output"]["r"] == 41
    assert olaf.invoke(olaf.deploy([sub]), {"value": 1}).status == 422


def test_a_called_core_that_waits_makes_its_caller_wait(ada: SandboxClient) -> None:
    ada.deploy([ASK, step("said", set={"said": "node_ask.decision"})], name="asks-first")
    core_id = ada.deploy(
        [step("sub", core_call={"target": "core://demo/asks-first"}), step("s", set={"got": "sub.said"})]
    )

    waiting = ada.run(core_id, {})
    done = resolve(ada, waiting["output"]["checkpoint"]["id"], decision="no").data["execution"]

    assert (waiting["status"], done["output"]["got"]) == ("suspended", "no")


def test_a_called_core_that_waits_goes_on_as_it_was(ada: SandboxClient) -> None:
    called = ada.deploy([ASK, step("said", set={"said": "'old ' + node_ask.decision"})], name="asks-and-changes")
    core_id = ada.deploy([step("sub", core_call={"target": "core://demo/asks-and-changes"})])
    waiting = ada.run(core_id, {})
    steps = [step("before", set={"n": "1"}), step("said", set={"said": "'new'"})]
    ada.send_yaml("PUT", f"/v1/modules/scaicore/cores/{called}", manifest(steps, name="asks-and-changes"))

    done = resolve(ada, waiting["output"]["checkpoint"]["id"], decision="no").data["execution"]

    assert done["output"]["said"] == "old no"
    assert ada.run(core_id, {})["output"]["said"] == "new"


def test_a_called_core_tells_its_own_invocation_once(ada: SandboxClient) -> None:
    called = ada.deploy([ASK, step("node_last", rigid={"template": "."})], name="asks-and-tells")
    core_id = ada.deploy([step("node_sub", core_call={"target": "core://demo/asks-and-tells"})])
    waiting = ada.run(core_id, {"n": 1})
    resolve(ada, waiting["output"]["checkpoint"]["id"], decision="no")

    told = [
        (one["type"].removeprefix("scaicore.runtime."), one["payload"].get("node_id")) for one in ada.events(called)
    ]

    assert told == [
        ("invocation.started", None),
        ("block.entered", "node_ask"),
        ("block.exited", "node_ask"),
        ("block.entered", "node_last"),
        ("block.exited", "node_last"),
        ("invocation.completed", None),
    ]
    assert [one["type"] for one in ada.events(core_id)].count("scaicore.runtime.invocation.started") == 1


def test_a_called_core_that_fails_tells_at_which_node(ada: SandboxClient) -> None:
    called = ada.deploy([step("node_bad", set={"x": "1 / 0"})], name="fails-and-tells")
    core_id = ada.deploy([step("node_sub", core_call={"target": "core://demo/fails-and-tells"})])

    assert ada.invoke(core_id, {}).json["error"]["node_id"] == "node_sub"
    last = ada.events(called)[-1]
    assert (last["type"], last["payload"]["node_id"]) == ("scaicore.runtime.invocation.failed", "node_bad")


def test_an_asynchronous_call_runs_on_its_own(ada: SandboxClient) -> None:
    ada.deploy([ASK], name="waits-alone")
    core_id = ada.deploy([step("sub", core_call={"target": "core://demo/waits-alone", "is_async": True})])

    answer = ada.run(core_id, {})

    execution = ada.get(f"/v1/modules/scaicore/executions/{answer['output']['execution_id']}").data
    assert ("status" in answer, execution["status"]) == (False, "suspended")


def test_cores_that_call_themselves_end_at_the_depth_limit(ada: SandboxClient) -> None:
    core_id = ada.deploy([step("sub", core_call={"target": "core://demo/endless"})], name="endless")

    assert "8 deep" in ada.invoke(core_id, {}).json["error"]["message"]
