"""Runs over HTTP: plugins that really do something, checkpoints, sub-flows, waiting, chat, schedules, hooks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from scaiflow.sandbox.config import Config
from tests.sandbox.client import Answer, SandboxClient, manifest, step
from tests.sandbox.conftest import running

CHECKPOINTS = "/v1/modules/scaicore/checkpoints"
SCOPES = "/v1/modules/scaiqueue/scopes"
ASK = step("node_ask", checkpoint={"type": "approval", "prompt": "Pay?", "options": ["yes", "no"]})


def call(node_id: str, name: str, **args: Any) -> dict[str, Any]:
    alias, method = name.split(".")
    return step(node_id, plugin_call={"alias": alias, "method": method, "args": args})


def queue(client: SandboxClient, scope: str, slug: str = "q", **more: object) -> str:
    scope_id = client.post(SCOPES, {"slug": scope}).data["id"]
    return f"{SCOPES}/{scope_id}/queues/{client.post(f'{SCOPES}/{scope_id}/queues', {'slug': slug, **more}).data['id']}"


def resolve(client: SandboxClient, checkpoint_id: str, **body: Any) -> Answer:
    return client.post(f"{CHECKPOINTS}/{checkpoint_id}/resolve", body)


def test_drive_finds_reads_writes_and_lists(ada: SandboxClient) -> None:
    steps = [
        call("w", "scaidrive.write_file", path="mine/otters.md", content="Otters hold hands while they sleep"),
        call("s", "scaidrive.search", query="sleeping otters", limit=1),
        call("r", "scaidrive.read_file", path="{{s.results[0].path}}"),
        call("l", "scaidrive.list_files", folder="mine/"),
    ]

    output = ada.run(ada.deploy(steps), {})["output"]

    assert output["content"].startswith("Otters hold hands")
    assert output["results"][0]["score"] == 1.0
    assert output["files"] == ["mine/otters.md"]


def test_what_one_tenant_writes_another_does_not_find(ada: SandboxClient, olaf: SandboxClient) -> None:
    ada.run(ada.deploy([call("w", "scaidrive.write_file", path="x/y.md", content="zebrafish")]), {})

    found = olaf.run(olaf.deploy([call("s", "scaidrive.search", query="zebrafish")]), {})

    assert found["output"]["count"] == 0


def test_mail_goes_to_the_outbox(ada: SandboxClient) -> None:
    mail = call("m", "scaisend.send", to="{{input.to}}", subject="Hi", body="{{input}}")

    message_id = ada.run(ada.deploy([mail]), {"to": "eve@x.test"})["output"]["message_id"]

    sent = {one["id"]: one for one in ada.get("/sandbox/outbox").json["items"]}
    assert (sent[message_id]["to"], sent[message_id]["body"]) == ("eve@x.test", '{"to": "eve@x.test"}')


def test_publish_and_escalate_fill_the_queue(ada: SandboxClient) -> None:
    path = queue(ada, "filled")
    steps = [
        call("p", "scaiqueue.publish", scope="filled", queue="q", payload={"n": "{{input.n}}"}, priority="low"),
        call("e", "scaiqueue.escalate", scope="filled", queue="q", reason="too hard"),
    ]

    ada.run(ada.deploy(steps), {"n": 3})

    first, second = ada.get(f"{path}/messages").data
    assert first["payload"] == {"n": 3}
    assert (second["message_type"], second["reason"]) == ("escalation", "too hard")


def test_publishing_to_a_queue_that_is_not_there_fails_the_run(ada: SandboxClient) -> None:
    answer = ada.invoke(ada.deploy([call("p", "scaiqueue.publish", scope="no", queue="no")]), {})

    assert (answer.status, answer.json["error"]["node_id"]) == (422, "p")


def test_a_bunker_keeps_files_and_runs_a_few_commands(ada: SandboxClient) -> None:
    steps = [
        call("w", "scaibunker.write_file", path="in/a.txt", content="one\ntwo\n"),
        call("c", "scaibunker.exec", command=["wc", "-l", "in/a.txt"]),
        call("r", "scaibunker.read_file", path="in/a.txt"),
    ]

    output = ada.run(ada.deploy(steps), {})["output"]

    assert (output["stdout"], output["exit_code"], output["content"]) == ("2 in/a.txt\n", 0, "one\ntwo\n")


@pytest.mark.parametrize(
    ("command", "code", "stdout"),
    [
        ("echo a 'b c'", 0, "a b c\n"),
        (["echo", "$HOME", "; ls"], 0, "$HOME ; ls\n"),
        ("expr 2 * 21", 0, "42\n"),
        ("expr 3 > 5", 2, ""),
        (["expr", "3", ">", "5"], 1, "0\n"),
        (["expr", "1", "/", "0"], 2, ""),
        ("true", 0, ""),
        ("false", 1, ""),
        ("cat missing", 1, ""),
        ("cat ../../../etc/passwd", 1, ""),
        ("cat /etc/passwd", 1, ""),
        ("ls | wc", 2, ""),
        ("python -c 'print(1)'", 127, ""),
        ("echo 'open", 1, ""),
        ([], 2, ""),
        (["head", "-n", "x", "f"], 1, ""),
    ],
)
def test_a_command_is_run_without_a_shell(ada: SandboxClient, command: Any, code: int, stdout: str) -> None:
    output = ada.run(ada.deploy([call("c", "scaibunker.exec", command=command)]), {})["output"]

    assert (output["exit_code"], output["stdout"]) == (code, stdout)


def test_http_goes_to_the_echo_and_to_allowed_hosts_only(ada: SandboxClient) -> None:
    echo = call("e", "http.request", method="post", url="http://echo.sandbox.test/a?b=1", body={"n": "{{input.n}}"})
    away = call("x", "http.request", method="GET", url="{{input.url}}")

    assert ada.run(ada.deploy([echo]), {"n": 1})["output"]["body"] == {
        "method": "POST",
        "path": "/a",
        "query": "b=1",
        "headers": {},
        "body": {"n": 1},
    }
    core_id = ada.deploy([away])
    for url in ("http://example.com/", "http://127.0.0.1:1/", "file:///etc/passwd", "http://"):
        assert ada.invoke(core_id, {"url": url}).status == 422


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


@pytest.fixture
def own() -> Iterator[SandboxClient]:
    """A sandbox of its own, for tests that move its clock."""
    with running(Config(port=0)) as url:
        yield SandboxClient(url).sign_in("usr_ada")


@pytest.mark.parametrize(
    ("on_timeout", "status", "way"),
    [("reject", "completed", "reject"), ({"decision": "later"}, "completed", "later"), (None, "failed", None)],
)
def test_a_checkpoint_expires(own: SandboxClient, on_timeout: Any, status: str, way: str | None) -> None:
    ask = step("a", checkpoint={"type": "approval", "timeout": "1h", "on_timeout": on_timeout})
    answer = own.run(own.deploy([ask]), {})

    own.post("/sandbox/clock", {"advance_seconds": 3000})
    path = f"/v1/modules/scaicore/executions/{answer['execution_id']}"
    assert own.get(path).data["status"] == "suspended"
    own.post("/sandbox/clock", {"advance_seconds": 601})

    execution = own.get(path).data
    assert (execution["status"], execution["output"].get("decision")) == (status, way)
    late = resolve(own, answer["output"]["checkpoint"]["id"], decision="yes")
    assert late.status == 409


def test_waiting_for_a_message_ends_with_its_timeout(own: SandboxClient) -> None:
    queue(own, "silent")
    wait = step("c", await_responses={"scope": "silent", "queue": "q", "max_messages": 1, "timeout": "PT5M"})
    answer = own.run(own.deploy([wait]), {})

    own.post("/sandbox/clock", {"advance_seconds": 301})

    execution = own.get(f"/v1/modules/scaicore/executions/{answer['execution_id']}").data
    assert (execution["status"], execution["output"]) == ("completed", {"messages": [], "count": 0})


def test_a_schedule_fires_once_for_each_of_its_times(own: SandboxClient) -> None:
    trigger = {"type": "schedule", "cron": "*/20 * * * *", "timezone": "Europe/Amsterdam", "bind": "tick"}
    mail = call("m", "scaisend.send", to="a", subject="{{tick.scheduled_at}}", body="b")
    own.deploy([mail], trigger=trigger)

    own.post("/sandbox/clock", {"advance_seconds": 3600})

    subjects = [mail["subject"] for mail in own.get("/sandbox/outbox").json["items"]]
    assert len(subjects) == 3
    assert {subject[14:16] for subject in subjects} == {"00", "20", "40"}


def test_a_webhook_trigger_has_its_address(ada: SandboxClient) -> None:
    trigger = {"type": "webhook", "method": "POST", "path": "/orders", "auth": None, "bind": "event"}
    core_id = ada.deploy(
        [call("m", "scaisend.send", to="a", subject="{{event.n}}", body="b")], name="hooked", trigger=trigger
    )
    stranger = SandboxClient(ada.base_url)

    done = stranger.post("/hooks/demo/hooked/orders", {"n": "from-hook"})

    assert (done.status, done.json["status"]) == (202, "completed")
    assert "from-hook" in {
        mail["subject"] for mail in ada.get("/sandbox/outbox").json["items"] if mail["core_id"] == core_id
    }
    assert stranger.post("/hooks/demo/hooked/other").status == 404
    assert stranger.send("PUT", "/hooks/demo/hooked/orders", {}).status == 405
    assert stranger.post("/hooks/other/hooked/orders").status == 404


def test_a_published_core_can_be_chatted_with(ada: SandboxClient) -> None:
    core_id = ada.deploy([step("a", rigid={"template": "You said {{input.message}}"})], name="parrot")
    ada.post(f"/v1/modules/scaicore/cores/{core_id}/publish")
    body = {"model": "scaicore/demo/parrot", "messages": [{"role": "user", "content": "hello there"}]}

    plain = ada.post("/v1/chat/completions", body).json
    streamed = ada.post("/v1/chat/completions", {**body, "stream": True})

    assert plain["choices"][0]["message"] == {"role": "assistant", "content": "You said hello there"}
    lines = [line.removeprefix("data: ") for line in streamed.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    deltas = [json.loads(line)["choices"][0]["delta"].get("content", "") for line in lines[:-1]]
    assert "".join(deltas) == "You said hello there"
    assert len(deltas) > 3


def test_a_core_that_is_not_published_is_no_model(ada: SandboxClient) -> None:
    ada.deploy([ASK], name="private")
    body = {"model": "scaicore/demo/private", "messages": [{"role": "user", "content": "x"}]}

    assert ada.post("/v1/chat/completions", body).status == 404


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


def test_the_queues_page_shows_messages_and_mail(ada: SandboxClient) -> None:
    path = queue(ada, "on-page")
    ada.post(f"{path}/messages", {"payload": "look-at-me"})
    ada.run(ada.deploy([call("m", "scaisend.send", to="a", subject="see-this-subject", body="b")]), {})

    page = ada.get("/sandbox/queues").text

    assert "look-at-me" in page
    assert "see-this-subject" in page


def test_a_turn_over_its_budget_fails(ada: SandboxClient) -> None:
    turn = {**step("t", llm_turn="Read it", output_schema={"summary": "string"}), "budget": {"max_tokens": 20}}
    core_id = ada.deploy([turn])

    assert ada.invoke(core_id, {"message": "short"}).status == 200
    assert "budget is 20" in ada.invoke(core_id, {"message": "long " * 30}).json["error"]["message"]


def test_the_chat_page_talks_to_a_published_core(ada: SandboxClient) -> None:
    core_id = ada.deploy([step("a", rigid={"template": "Echo: {{input.message}}"})], name="page-parrot")
    form = {"model": "scaicore/demo/page-parrot", "message": "<i>hi</i>"}
    assert ada.form("/sandbox/chat", form).status == 404

    ada.post(f"/v1/modules/scaicore/cores/{core_id}/publish")

    assert "Echo: &lt;i&gt;hi&lt;/i&gt;" in ada.form("/sandbox/chat", form).text


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
