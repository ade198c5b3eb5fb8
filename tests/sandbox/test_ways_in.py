"""Other ways into a Core than its own: hooks and chat."""

from __future__ import annotations

import json

from tests.sandbox.client import SandboxClient, step
from tests.sandbox.steps import ASK, call


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


def test_the_chat_page_talks_to_a_published_core(ada: SandboxClient) -> None:
    core_id = ada.deploy([step("a", rigid={"template": "Echo: {{input.message}}"})], name="page-parrot")
    form = {"model": "scaicore/demo/page-parrot", "message": "<i>hi</i>"}
    assert ada.form("/sandbox/chat", form).status == 404

    ada.post(f"/v1/modules/scaicore/cores/{core_id}/publish")

    assert "Echo: &lt;i&gt;hi&lt;/i&gt;" in ada.form("/sandbox/chat", form).text
