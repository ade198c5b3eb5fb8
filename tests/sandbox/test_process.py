"""The sandbox as a process of its own: how it starts, says where it is, and ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.sandbox.client import SandboxClient, step

pytestmark = pytest.mark.process
ROOT = Path(__file__).parents[2]
REVIEW = step("node_ask", checkpoint={"type": "approval", "prompt": "Go on?", "options": ["approve", "reject"]})
DECIDE = step(
    "node_decide",
    match={
        "subject": "node_ask.decision",
        "cases": [{"when": '"approve"', "steps": [step("node_yes", set={"way": "'yes'"})]}],
        "else": [step("node_no", set={"way": "'no'"})],
    },
)


@contextmanager
def process(*arguments: str, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-W", "error", "-m", "scaiflow.sandbox", "--port", "0", *arguments]
    child = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        yield child, child.stdout.readline().removeprefix("sandbox listening on ").strip()
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_dies_cleanly(number: signal.Signals) -> None:
    with process() as (child, url):
        assert SandboxClient(url).get("/").status == 200

        child.send_signal(number)

        _, errors = child.communicate(timeout=10)
        assert (child.returncode, errors) == (0, "")


@contextmanager
def many_comers(url: str) -> Iterator[None]:
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            with suppress(OSError, HTTPException):
                SandboxClient(url).get("/")

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(come_and_go)
        try:
            yield
        finally:
            over.set()


@pytest.mark.slow
def test_a_signal_among_many_comers_leaves_nothing_open() -> None:
    for number in (signal.SIGTERM, signal.SIGINT) * 10:
        with process() as (child, url), many_comers(url):
            assert SandboxClient(url).get("/").status == 200

            child.send_signal(number)

            _, errors = child.communicate(timeout=10)
            said = [line for line in errors.splitlines() if not re.fullmatch(r"Canceling \d+ pending task\(s\)", line)]
            assert (child.returncode, said) == (0, [])


def test_it_refuses_to_listen_beyond_this_machine() -> None:
    command = [sys.executable, "-m", "scaiflow.sandbox", "--port", "0", "--host", "0.0.0.0"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "--allow-any-host" in done.stderr


def test_a_taken_port_is_told_in_one_line() -> None:
    with process() as (_, url):
        command = [sys.executable, "-m", "scaiflow.sandbox", "--port", url.rsplit(":", 1)[1]]

        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_the_client_comes_from_the_environment() -> None:
    with process(SANDBOX_CLIENT_ID="other", SANDBOX_CLIENT_SECRET="word") as (_, url):
        client = SandboxClient(url)

        assert client.token_request({"grant_type": "client_credentials"}).status == 401
        assert client.token_request({"grant_type": "client_credentials"}, "b3RoZXI6d29yZA==").status == 200


def test_a_checkpoint_survives_kill_9_and_resumes_the_chosen_branch_only(tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")
    with process("--state", state) as (child, url):
        ada = SandboxClient(url).sign_in("usr_ada")
        core_id = ada.deploy([step("node_before", set={"n": "input.n + 1"}), REVIEW, DECIDE])
        checkpoint_id = ada.run(core_id, {"n": 1})["output"]["checkpoint"]["id"]
        child.kill()
        child.wait()

    with process("--state", state) as (_, url):
        ada = SandboxClient(url).sign_in("usr_ada")
        done = ada.post(f"/v1/modules/scaicore/checkpoints/{checkpoint_id}/resolve", {"decision": "reject"}).data

        assert done["execution"]["output"]["way"] == "no"
        assert done["execution"]["output"]["n"] == 2
        entered = [event for event in ada.events(core_id) if event["type"].endswith("block.entered")]
        assert [event["payload"]["node_id"] for event in entered] == [
            "node_before",
            "node_ask",
            "node_decide",
            "node_no",
        ]


def _cut_off(client: SandboxClient, core_id: str) -> None:
    with pytest.raises((OSError, HTTPException)):
        client.invoke(core_id, {})


def test_a_run_that_was_walking_when_it_was_killed_ends_as_failed(tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")
    turn = step("node_turn", llm_turn="Think for ever")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with process("--state", state, SANDBOX_OPENAI_BASE_URL=endpoint) as (child, url):
            ada = SandboxClient(url).sign_in("usr_ada")
            core_id = ada.deploy([turn])
            caller = threading.Thread(target=_cut_off, args=(ada, core_id))
            caller.start()
            reached, _ = silent.accept()
            with reached:
                child.kill()
                child.wait()
            caller.join()

    with process("--state", state) as (_, url):
        events = SandboxClient(url).sign_in("usr_ada").events(core_id)
        assert [event["type"].removeprefix("scaicore.runtime.") for event in events] == [
            "invocation.started",
            "block.entered",
            "invocation.failed",
        ]


def test_keys_and_cores_are_still_there_after_a_restart(tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")
    with process("--state", state) as (child, url):
        core_id = SandboxClient(url).sign_in("usr_ada").deploy([REVIEW])
        keys = SandboxClient(url).get("/api/v1/platform/oauth/jwks").json
        child.kill()
        child.wait()

    with process("--state", state) as (_, url):
        client = SandboxClient(url)
        assert client.get("/api/v1/platform/oauth/jwks").json == keys
        assert client.sign_in("usr_ada").get(f"/v1/modules/scaicore/cores/{core_id}").status == 200


def test_two_processes_of_one_seed_make_the_same_ids() -> None:
    made = []
    for _ in range(2):
        with process("--seed", "demo") as (_child, url):
            made.append(SandboxClient(url).sign_in("usr_ada").deploy([REVIEW], name="same"))

    assert made[0] == made[1]


def test_a_state_file_that_cannot_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, but long enough to be looked at as if it were one " * 20)
    for name in ("text.db", "missing/state.db", "."):
        command = [sys.executable, "-m", "scaiflow.sandbox", "--port", "0", "--state", str(tmp_path / name)]

        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "--state" in done.stderr


def test_a_state_file_belongs_to_one_sandbox(tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")
    with process("--state", state):
        command = [sys.executable, "-m", "scaiflow.sandbox", "--port", "0", "--state", state]

        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "locked" in done.stderr
