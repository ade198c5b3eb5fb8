"""Runs that wait for messages on a queue."""

from __future__ import annotations

import threading

from tests.sandbox.client import SandboxClient, step
from tests.sandbox.steps import ASK, CHECKPOINTS, queue, resolve


def test_consume_takes_what_is_there(ada: SandboxClient) -> None:
    path = queue(ada, "taken")
    ada.post(f"{path}/messages", {"payload": 1})
    core_id = ada.deploy([step("c", await_responses={"scope": "taken", "queue": "q", "max_messages": 5})])

    assert [ada.run(core_id, {})["output"]["count"] for _ in range(2)] == [1, 0]


def test_a_run_waits_for_a_message_and_goes_on_when_it_comes(ada: SandboxClient) -> None:
    path = queue(ada, "awaited")
    wait = step("c", await_responses={"scope": "awaited", "queue": "q", "max_messages": 1, "timeout": "1h"})
    answer = ada.run(ada.deploy([wait, step("s", set={"got": "c.messages[0].payload"})]), {})

    ada.post(f"{path}/messages", {"payload": "at last"})

    execution = ada.get(f"/v1/modules/scaicore/executions/{answer['execution_id']}").data
    assert answer["status"] == "suspended"
    assert (execution["status"], execution["output"]["got"]) == ("completed", "at last")


def test_a_wait_for_messages_is_no_checkpoint_that_people_could_decide_on(ada: SandboxClient) -> None:
    queue(ada, "unasked")
    wait = step("c", await_responses={"scope": "unasked", "queue": "q", "max_messages": 1, "timeout": "1h"})
    core_id = ada.deploy([step("p", parallel={"branches": [{"steps": [wait]}, {"steps": [ASK]}]})])
    waiting = ada.run(core_id, {})["output"]["checkpoint"]["id"]

    for status in ("", "&status=pending"):
        listed = ada.get(f"{CHECKPOINTS}?core_id={core_id}{status}").data["checkpoints"]
        assert [one["node_id"] for one in listed] == ["node_ask"]
    assert resolve(ada, waiting, decision="yes").status == 404


def test_many_messages_wake_many_waiting_runs_and_none_is_lost(ada: SandboxClient) -> None:
    path = queue(ada, "crowd")
    wait = step("c", await_responses={"scope": "crowd", "queue": "q", "max_messages": 1, "timeout": "1h"})
    core_id = ada.deploy([wait, step("s", set={"got": "c.messages[0].payload"})])
    runs = [ada.run(core_id, {})["execution_id"] for _ in range(12)]
    threads = [threading.Thread(target=ada.post, args=(f"{path}/messages", {"payload": n})) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    done = [ada.get(f"/v1/modules/scaicore/executions/{id}").data for id in runs]

    assert {one["status"] for one in done} == {"completed"}
    assert sorted(one["output"]["got"] for one in done) == list(range(12))


def test_a_branch_that_waits_for_a_message_is_not_fed_by_another_branch(ada: SandboxClient) -> None:
    path = queue(ada, "two-branches")
    wait = step("c", await_responses={"scope": "two-branches", "queue": "q", "max_messages": 1, "timeout": "1h"})
    core_id = ada.deploy([step("p", parallel={"branches": [{"steps": [ASK]}, {"steps": [wait]}]})])
    answer = ada.run(core_id, {})
    resolve(ada, answer["output"]["checkpoint"]["id"], decision="yes")

    ada.post(f"{path}/messages", {"payload": "only one"})

    execution = ada.get(f"/v1/modules/scaicore/executions/{answer['execution_id']}").data
    assert (execution["status"], execution["output"]["count"]) == ("completed", 1)
    assert ada.get(f"{path}/messages").data == []
