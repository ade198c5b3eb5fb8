"""Two sandboxes of one seed are asked the same, and answer the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flows.compiler import compile_flow
from scaiflow.sandbox.config import Config
from tests.sandbox.client import SandboxClient, manifest, step
from tests.sandbox.conftest import running
from tests.sandbox.test_examples import EXAMPLES, read
from tests.sandbox.test_examples_run import CORES, provision

SCAICORE = "/v1/modules/scaicore"
# A cursor counts all that was ever written, also what time by itself brings about.
TIME = re.compile(r'"\d{4}-\d\d-\d\dT[^"]+"|(?<="created": )\d+|(?<="next_cursor": )"[^"]+"')
ASK = step("ask", checkpoint={"type": "approval", "prompt": "Pay?", "options": ["yes", "no"]})
WORK = [
    step("box", plugin_call={"alias": "scaibunker", "method": "create", "args": {"image": "python"}}),
    step("mail", plugin_call={"alias": "scaisend", "method": "send", "args": {"to": "a", "subject": "b", "body": "c"}}),
    ASK,
]


def told(seed: str | None) -> list[str]:
    """What a sandbox answers to one life with it: flows deployed, run, decided on. Times and cursors are left out."""
    with running(Config(port=0, seed=seed)) as url:
        client = SandboxClient(url).sign_in("usr_ada")
        heard: list[str] = []

        def ask(method: str, path: str, body: Any = None) -> Any:
            answer = client.send(method, path, body)
            heard.append(f"{method} {path} {answer.status} {TIME.sub('TIME', answer.text)}")
            return answer

        _live_through_the_examples(client, ask)
        core_id = client.deploy(WORK, name="work")
        asked = ask("POST", f"{CORES}/{core_id}/invoke", {"input": {}}).data["output"]["checkpoint"]["id"]
        ask("POST", f"{SCAICORE}/checkpoints/{asked}/resolve", {"decision": "maybe"})
        ask("POST", f"{SCAICORE}/checkpoints/{asked}/resolve", {"decision": "yes"})
        published = ask("POST", f"{CORES}/{core_id}/publish", {}).data["published_slug"]
        chat = {"model": published, "messages": [{"role": "user", "content": "Hello"}]}
        for path, body in (("/v1/chat/completions", chat), ("/sandbox/groups", {"tenant_id": "tnt_demo", "name": "x"})):
            ask("POST", path, body)
        for path in (
            f"{SCAICORE}/events?limit=500",
            f"{SCAICORE}/checkpoints?limit=2",
            "/v1/models",
            "/sandbox/outbox",
        ):
            ask("GET", path)
        for path in ("/v1/modules/scaibunker/bunkers", "/v1/modules/scaiqueue/scopes", "/v1/nowhere", CORES):
            ask("GET", path)
        return heard


def _live_through_the_examples(client: SandboxClient, ask: Any) -> None:
    for path in EXAMPLES:
        provision(client, read(path)["config"]["scaiqueue"])
        client.send_yaml("POST", CORES, compile_flow(read(path)).body.decode())
    for core in client.get(f"{CORES}?limit=500").data:
        for fixture in read(next(path for path in EXAMPLES if path.name.startswith(core["slug"])))["tests"]:
            ask("POST", f"{CORES}/{core['id']}/invoke", {"input": fixture["input"]})


def test_the_same_calls_are_answered_the_same_by_two_sandboxes_of_one_seed() -> None:
    first, second = told("a seed"), told("a seed")

    assert len(first) > 30
    assert first == second


@pytest.mark.parametrize("seeds", [("one", "two"), (None, None)])
def test_other_seeds_and_none_give_other_ids(seeds: tuple[str | None, str | None]) -> None:
    first, second = (made_by(Config(port=0, seed=seed)) for seed in seeds)

    assert first != second


def made_by(config: Config) -> str:
    with running(config) as url:
        client = SandboxClient(url).sign_in("usr_ada")
        answer = client.send_yaml("POST", CORES, manifest([step("s", set={"a": 1})]))
        return str(answer.data["id"])


def test_after_a_restart_nothing_is_named_as_something_was_before(tmp_path: Path) -> None:
    config = Config(port=0, seed="a seed", state=tmp_path / "state.db")

    assert len({made_by(config) for _ in range(3)}) == 3


def test_a_state_that_is_begun_anew_does_not_stumble_over_the_bunkers_of_the_old_one(tmp_path: Path) -> None:
    make = {"alias": "scaibunker", "method": "create", "args": {"image": "python", "lifecycle": "persistent"}}
    write = {"alias": "scaibunker", "method": "write_file", "args": {"path": "old", "content": "x"}}
    look = {"alias": "scaibunker", "method": "exec", "args": {"command": "ls"}}
    for lifetime in range(2):
        with running(Config(port=0, seed="a seed", state=tmp_path / f"{lifetime}.db")) as url:
            ada = SandboxClient(url).sign_in("usr_ada")
            steps = [step("make", plugin_call=make), step("look", plugin_call=look), step("write", plugin_call=write)]
            assert ada.run(ada.deploy(steps), {})["output"]["stdout"] == ""
        (tmp_path / f"{lifetime}.db.bunkers").rename(tmp_path / f"{lifetime + 1}.db.bunkers")


def test_keys_stay_random_also_with_a_seed() -> None:
    keys = []
    for _ in range(2):
        with running(Config(port=0, seed="a seed")) as url:
            (key,) = SandboxClient(url).get("/api/v1/platform/oauth/jwks").json["keys"]
            keys.append((key["kid"], key["n"]))

    assert keys[0][0] != keys[1][0]
    assert keys[0][1] != keys[1][1]


def test_the_clock_s_lead_and_the_switches_outlive_a_restart(tmp_path: Path) -> None:
    config = Config(port=0, state=tmp_path / "state.db")
    with running(config) as url:
        ada = SandboxClient(url).sign_in("usr_ada")
        wait = step("ask", checkpoint={"type": "approval", "timeout": "1d", "on_timeout": "no"})
        run_id = ada.run(ada.deploy([wait]), {})["execution_id"]
        ada.post("/sandbox/clock", {"advance_seconds": 80_000})
        ada.form("/sandbox/trouble", {"do": "hour"})
        before = ada.get("/sandbox/state").json["now"]
        ada.post("/sandbox/switches", {"model_list": "openai"})
        ada.form("/sandbox/trouble", {"do": "rights"})
        switches = ada.get("/sandbox/switches").json

    with running(config) as url:
        ada = SandboxClient(url).sign_in("usr_ada")
        assert ada.get("/sandbox/switches").json == switches
        assert (switches["model_list"], switches["platform_rights"]) == ("openai", False)
        assert ada.get("/sandbox/state").json["now"] >= before
        ada.post("/sandbox/clock", {"advance_seconds": 86_400 - 80_000 - 3600})
        assert ada.get(f"{SCAICORE}/executions/{run_id}").data["status"] == "completed"
