"""Arguments that no plugin can use, and faults of the sandbox itself: the run ends as failed, it never stays running."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from scaiflow.sandbox.config import Config
from tests.sandbox.client import SandboxClient, step
from tests.sandbox.conftest import running

LONE = "\ud800"  # half of a pair: JSON can carry it, UTF-8 cannot
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("http.request", {"method": "GET", "url": "http://[x"}),
    ("http.request", {"method": "GET", "url": "http://127.0.0.1:99999/"}),
    ("http.request", {"method": "GET", "url": "http://echo.sandbox.test/", "headers": "x"}),
    ("scaibunker.write_file", {"path": "a\0b", "content": "x"}),
    ("scaibunker.write_file", {"path": "a", "content": LONE}),
    ("scaidrive.write_file", {"path": "a", "content": LONE}),
    ("scaidrive.write_file", {"path": LONE, "content": "x"}),
    ("scaiqueue.publish", {"scope": LONE, "queue": "q"}),
]


def call(name: str) -> dict[str, Any]:
    """A step whose arguments are the run's input, whatever it is."""
    alias, method = name.split(".")
    known = ("method", "url", "headers", "path", "content", "scope", "queue", "image")
    args = {argument: f"{{{{input.{argument}}}}}" for argument in known}
    return step("node_call", plugin_call={"alias": alias, "method": method, "args": args})


def ends_of(client: SandboxClient, core_id: str) -> list[str]:
    return [event["type"].removeprefix("scaicore.runtime.") for event in client.events(core_id)][-2:]


@pytest.mark.parametrize(("name", "args"), WRONG)
def test_an_argument_that_cannot_be_used_fails_its_step(name: str, args: dict[str, Any]) -> None:
    with running(Config(port=0, http_allow=("127.0.0.1", "127.0.0.1:99999"))) as url:
        client = SandboxClient(url).sign_in("usr_ada")
        core_id = client.deploy([call(name)])

        answer = client.invoke(core_id, args)

        assert (answer.status, answer.code) == (422, "EXECUTION_FAILED")
        assert answer.json["error"]["node_id"] == "node_call"
        assert ends_of(client, core_id) == ["block.failed", "invocation.failed"]


def test_a_fault_of_the_sandbox_ends_the_run_and_leaves_its_trace(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state.db"
    with running(Config(port=0, state=state)) as url, caplog.at_level(logging.ERROR):
        Path(f"{state}.bunkers").write_text("a file stands where the bunkers' folder should be")
        client = SandboxClient(url).sign_in("usr_ada")
        core_id = client.deploy([call("scaibunker.create")])

        answer = client.invoke(core_id, {"image": "python"})

        assert (answer.status, answer.code) == (422, "EXECUTION_FAILED")
        assert ends_of(client, core_id)[-1] == "invocation.failed"
    assert "NotADirectoryError" in caplog.text


def test_a_text_that_no_page_can_be_written_with_breaks_no_page() -> None:
    mail = {"alias": "scaisend", "method": "send", "args": {"to": "{{input.x}}", "subject": "s", "body": "b"}}
    steps = [step("m", plugin_call=mail), step("ask", checkpoint={"type": "approval", "prompt": "{{input.x}}"})]
    with running(Config(port=0)) as url:
        client = SandboxClient(url).sign_in("usr_ada")
        client.run(client.deploy(steps), {"x": f"<b>{LONE}"})

        for path in ("/sandbox/runs", "/sandbox/queues"):
            page = client.get(path)
            assert page.status == 200
            assert "&lt;b&gt;\ufffd" in page.text
