"""Runs that wait for a person, at the API and on the page."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.sandbox.client import Answer, SandboxClient, manifest, step
from tests.sandbox.steps import ASK, CHECKPOINTS, call, queue, resolve


def test_a_checkpoint_is_listed_resolved_and_the_run_goes_on(ada: SandboxClient) -> None:
    core_id = ada.deploy([ASK, step("after", set={"paid": "node_ask.decision == 'yes'"})])
    answer = ada.run(core_id, {})

    (listed,) = ada.get(f"{CHECKPOINTS}?core_id={core_id}&status=pending").data["checkpoints"]
    done = resolve(ada, listed["id"], decision="yes", comment="fine").data

    assert answer["status"] == "suspended"
    assert (listed["node_id"], listed["prompt"], listed["options"]) == ("node_ask", "Pay?", ["yes", "no"])
    assert done["status"] == "resolved"
    assert done["execution"]["output"] == {
        "decision": "yes",
        "approved": True,
        "resolved_by": "usr_ada",
        "comment": "fine",
        "paid": True,
    }
    assert ada.get(f"{CHECKPOINTS}?core_id={core_id}&status=pending").data["checkpoints"] == []
    execution = ada.get(f"/v1/modules/scaicore/executions/{answer['execution_id']}").data
    assert execution["status"] == "completed"


def test_a_checkpoint_is_resolved_once_and_by_its_options_only(ada: SandboxClient, vera: SandboxClient) -> None:
    checkpoint_id = ada.run(ada.deploy([ASK]), {})["output"]["checkpoint"]["id"]

    assert resolve(vera, checkpoint_id, decision="yes").status == 403
    assert resolve(ada, checkpoint_id, decision="perhaps").status == 422
    assert resolve(ada, checkpoint_id).status == 422
    assert resolve(ada, checkpoint_id, decision="no").status == 200
    again = resolve(ada, checkpoint_id, decision="yes")
    assert (again.status, again.code) == (409, "CHECKPOINT_NOT_PENDING")


def test_another_tenant_cannot_see_or_resolve_a_checkpoint(ada: SandboxClient, olaf: SandboxClient) -> None:
    checkpoint_id = ada.run(ada.deploy([ASK]), {})["output"]["checkpoint"]["id"]

    assert resolve(olaf, checkpoint_id, decision="yes").status == 404
    assert checkpoint_id not in {one["id"] for one in olaf.get(CHECKPOINTS).data["checkpoints"]}


def test_two_people_at_once_resolve_a_checkpoint_once(ada: SandboxClient) -> None:
    core_id = ada.deploy([ASK, call("m", "scaisend.send", to="a", subject="once", body="b")])
    checkpoint_id = ada.run(core_id, {})["output"]["checkpoint"]["id"]
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(resolve(ada, checkpoint_id, decision="yes").status))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 409, 409, 409, 409, 409]
    sent = [mail for mail in ada.get("/sandbox/outbox").json["items"] if mail["core_id"] == core_id]
    assert len(sent) == 1


def test_a_review_lies_on_its_queue_until_it_is_decided(ada: SandboxClient) -> None:
    path = queue(ada, "reviews", "review")
    review = {"type": "hitl_review", "scope": "reviews", "queue": "review", "hitl_spec": {"sections": ["context"]}}
    answer = ada.run(ada.deploy([step("node_review", checkpoint=review)]), {"n": 1})["output"]["checkpoint"]

    (message,) = ada.get(f"{path}/messages").data
    resolve(ada, answer["id"], approved=True)

    assert answer["queue"] == "review"
    assert (message["checkpoint_id"], message["message_type"]) == (answer["id"], "hitl_review")
    assert message["payload"]["input"] == {"n": 1}
    assert ada.get(f"{path}/messages").data == []


def test_a_waiting_run_goes_on_with_the_manifest_that_it_began_with(ada: SandboxClient) -> None:
    core_id = ada.deploy([ASK, step("old", set={"v": "'old'"})], name="moves-on")
    checkpoint_id = ada.run(core_id, {})["output"]["checkpoint"]["id"]
    text = manifest([step("new", set={"v": "'new'"})], name="moves-on")
    ada.send_yaml("PUT", f"/v1/modules/scaicore/cores/{core_id}", text)

    assert resolve(ada, checkpoint_id, decision="yes").data["execution"]["output"]["v"] == "old"
    assert ada.run(core_id, {})["output"]["v"] == "new"


@pytest.mark.parametrize("decision", ["yes", "no", "approve", "Accepted", "later"])
def test_a_button_of_the_page_decides_as_the_api_does(ada: SandboxClient, decision: str) -> None:
    options = ["yes", "no", "approve", "Accepted", "later"]
    core_id = ada.deploy([step("a", checkpoint={"type": "approval", "prompt": "?", "options": options})])
    by_api, by_page = (ada.run(core_id, {}) for _ in range(2))

    resolve(ada, by_api["output"]["checkpoint"]["id"], decision=decision)
    pressed = press(ada, by_page, decision)

    assert pressed.status == 303
    outputs = [
        ada.get(f"/v1/modules/scaicore/executions/{run['execution_id']}").data["output"] for run in (by_api, by_page)
    ]
    assert [output.pop("resolved_by") for output in outputs] == ["usr_ada", "sandbox page"]
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("decision", ["maybe", ""])
def test_the_page_takes_no_decision_that_the_checkpoint_does_not_offer(ada: SandboxClient, decision: str) -> None:
    answer = ada.run(ada.deploy([ASK]), {})

    assert press(ada, answer, decision).status == 422
    assert press(ada, answer, "yes").status == 303


def press(client: SandboxClient, run: Any, decision: str) -> Answer:
    return client.form("/sandbox/runs", {"checkpoint": run["output"]["checkpoint"]["id"], "decision": decision})


def test_the_runs_page_shows_the_blocks_and_decides(ada: SandboxClient) -> None:
    core_id = ada.deploy([step("seen", rigid={"template": "<b>{{input.x}}</b>"}), ASK], name="on-the-page")
    checkpoint_id = ada.run(core_id, {"x": 1})["output"]["checkpoint"]["id"]

    page = ada.get("/sandbox/runs").text
    pressed = ada.form("/sandbox/runs", {"checkpoint": checkpoint_id, "decision": "no"})
    again = ada.form("/sandbox/runs", {"checkpoint": checkpoint_id, "decision": "no"})

    assert "on-the-page" in page
    assert "Seen" in page
    assert checkpoint_id in page
    assert "<b>1</b>" not in page
    assert (pressed.status, again.status) == (303, 409)
    assert checkpoint_id not in ada.get("/sandbox/runs").text


def test_a_run_that_failed_waits_for_nobody_any_more(ada: SandboxClient) -> None:
    other = step("node_other", checkpoint={"type": "approval"})
    bad = step("bad", set={"x": "1 / 0"})
    core_id = ada.deploy([step("p", parallel={"branches": [{"steps": [ASK, bad]}, {"steps": [other]}]})])
    ada.run(core_id, {})
    first, second = ada.get(f"{CHECKPOINTS}?core_id={core_id}").data["checkpoints"]

    done = resolve(ada, first["id"], decision="yes").data["execution"]

    assert (done["run_status"], done["error"]) == ("failed", "division by zero")
    statuses = [one["status"] for one in ada.get(f"{CHECKPOINTS}?core_id={core_id}").data["checkpoints"]]
    assert statuses == ["resolved", "cancelled"]
    assert resolve(ada, second["id"], decision="yes").status == 409
