"""What the sandbox itself sends: signed webhooks, model turns to a real endpoint, HTTP calls to allowed hosts."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from scaiflow.sandbox.config import Config
from tests.sandbox.client import SandboxClient, step
from tests.sandbox.conftest import running


class Receiver(HTTPServer):
    """A loopback server that keeps what it is sent and answers `answer`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Keep)
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.answer = "{}"
        self.url = f"http://127.0.0.1:{self.server_port}"


class Keep(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def client_of(**config: Any) -> Iterator[SandboxClient]:
    with running(Config(port=0, **config)) as url:
        yield SandboxClient(url).sign_in("usr_ada")


def test_a_group_edit_fires_a_signed_webhook(receiver: Receiver) -> None:
    with client_of(webhook_url=f"{receiver.url}/hook", webhook_secret="sshh") as client:
        client.send("PUT", "/sandbox/groups/grp_finance/members/usr_vera", {})

    ((path, headers, body),) = receiver.received
    event, timestamp = json.loads(body), headers["X-Scaikey-Timestamp"]
    digest = hmac.new(b"sshh", f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert path == "/hook"
    assert headers["X-Scaikey-Signature"] == f"t={timestamp},v1={digest}"
    assert (event["type"], event["tenant_id"]) == ("group_membership.added", "tnt_demo")
    assert (event["data"]["group_id"], event["data"]["user_id"]) == ("grp_finance", "usr_vera")


def test_every_edit_has_its_event_and_the_lists_show_it(receiver: Receiver) -> None:
    with client_of(webhook_url=receiver.url) as client:
        made = client.post("/sandbox/groups", {"tenant_id": "tnt_demo", "name": "New"}).json["event"]["data"]
        client.send("PATCH", f"/sandbox/groups/{made['id']}", {"name": "Newer"})
        client.send("PUT", f"/sandbox/groups/{made['id']}/members/usr_ada")
        members = client.service().get(f"/api/v1/admin/groups/{made['id']}/members").json["items"]
        client.send("DELETE", f"/sandbox/groups/{made['id']}/members/usr_ada")
        client.send("DELETE", f"/sandbox/groups/{made['id']}")
        client.send("PATCH", "/sandbox/users/usr_vera", {"status": "SUSPENDED"})
        client.send("PATCH", "/sandbox/users/usr_vera", {"status": "ACTIVE"})

    assert [member["id"] for member in members] == ["usr_ada"]
    assert [json.loads(body)["type"] for _, _, body in receiver.received] == [
        "group.created",
        "group.updated",
        "group_membership.added",
        "group_membership.removed",
        "group.deleted",
        "user.suspended",
        "user.activated",
    ]


def test_an_event_can_be_sent_again_under_its_id(receiver: Receiver) -> None:
    with client_of(webhook_url=receiver.url) as client:
        event_id = client.post("/sandbox/groups", {"tenant_id": "tnt_demo", "name": "X"}).json["event"]["id"]
        client.post(f"/sandbox/deliveries/{event_id}/again")

    assert [json.loads(body)["id"] for _, _, body in receiver.received] == [event_id, event_id]


def test_a_receiver_that_is_down_is_told_and_the_edit_stays() -> None:
    with client_of(webhook_url="http://127.0.0.1:1/") as client:
        done = client.send("PUT", "/sandbox/groups/grp_finance/members/usr_vera", {}).json
        again = client.send("PUT", "/sandbox/groups/grp_finance/members/usr_vera", {})

    assert "ConnectionRefusedError" in done["error"]
    assert again.status == 409


def test_the_pages_buttons_edit_too(receiver: Receiver) -> None:
    with client_of(webhook_url=receiver.url) as client:
        form = {"do": "add", "group": "grp_platform", "user": "usr_tara"}
        assert client.form("/sandbox/directory", form).status == 303
        assert "✓ Platform Admins" in client.get("/sandbox/directory").text

    assert len(receiver.received) == 1


def test_a_suspended_person_cannot_sign_in() -> None:
    with client_of() as client:
        client.send("PATCH", "/sandbox/users/usr_olga", {"status": "SUSPENDED"})

        answer = client.form(
            "/api/v1/platform/oauth/authorize?response_type=code&client_id=scaiflow&redirect_uri=http://localhost/cb",
            {"user": "usr_olga"},
        )

    assert "code=" not in answer.headers.get("Location", "")


TURN = step("t", llm_turn="Sort it", output_schema={"kind": "enum[a, b]"}, input_bindings={"x": "input.x"})


def completion(content: str) -> str:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]})


def test_model_turns_go_to_an_openai_compatible_endpoint(receiver: Receiver) -> None:
    receiver.answer = completion('{"kind": "b"}')
    with client_of(openai_base_url=f"{receiver.url}/v1", openai_api_key="k", openai_model="m") as client:
        output = client.run(client.deploy([TURN]), {"x": "text"})["output"]

    ((path, headers, body),) = receiver.received
    assert output == {"kind": "b"}
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", "Bearer k")
    sent = json.loads(body)
    assert sent["model"] == "m"
    assert "Sort it" in sent["messages"][0]["content"]
    assert json.loads(sent["messages"][1]["content"])["input"] == {"x": "text"}


@pytest.mark.parametrize("content", ['{"kind": "c"}', "no json", "[]"])
def test_a_model_that_answers_something_else_fails_the_step(receiver: Receiver, content: str) -> None:
    receiver.answer = completion(content)
    with client_of(openai_base_url=receiver.url) as client:
        answer = client.invoke(client.deploy([TURN]), {"x": 1})

    assert (answer.status, answer.json["error"]["node_id"]) == (422, "t")


def test_retry_asks_once_more_and_continue_goes_on(receiver: Receiver) -> None:
    receiver.answer = completion('{"kind": "c"}')
    with client_of(openai_base_url=receiver.url) as client:
        client.invoke(client.deploy([{**TURN, "on_validation_failure": "retry"}]), {"x": 1})
        asked = len(receiver.received)
        client_answer = client.run(client.deploy([{**TURN, "on_failure": "continue"}]), {"x": 1})

    assert asked == 2
    assert client_answer["output"] == {}


def test_http_calls_reach_an_allowed_host(receiver: Receiver) -> None:
    receiver.answer = '{"pong": 1}'
    args = {"method": "POST", "url": f"{receiver.url}/ping", "body": {"a": "{{input.a}}"}, "headers": {"X-A": "b"}}
    with client_of(http_allow=("127.0.0.1",)) as client:
        call = step("h", plugin_call={"alias": "http", "method": "request", "args": args})
        output = client.run(client.deploy([call]), {"a": 1})["output"]

    assert (output["status"], output["body"]) == (200, {"pong": 1})
    ((path, headers, body),) = receiver.received
    assert (path, headers["X-A"], json.loads(body)) == ("/ping", "b", {"a": 1})
