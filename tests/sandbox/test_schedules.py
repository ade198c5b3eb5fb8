"""Cron lines of a manifest: what can never fire is refused at the door."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from scaiflow.sandbox.config import Config
from tests.sandbox.client import SandboxClient, manifest, step
from tests.sandbox.conftest import running

CORES = "/v1/modules/scaicore/cores"
MAIL = step(
    "mail", plugin_call={"alias": "scaisend", "method": "send", "args": {"to": "a", "subject": "b", "body": "c"}}
)


def by_the_clock(**trigger: Any) -> dict[str, Any]:
    return {"type": "schedule", "bind": "tick", **trigger}


@pytest.mark.parametrize(
    ("trigger", "message"),
    [
        ({}, "5 fields"),
        ({"cron": "* * * *"}, "5 fields"),
        ({"cron": "@daily"}, "5 fields"),
        ({"cron": "99 * * * *"}, "'99'"),
        ({"cron": "0 24 * * *"}, "'24'"),
        ({"cron": "0 0 0 * *"}, "bad field '0'"),
        ({"cron": "0 0 * 5-3 *"}, "'5-3'"),
        ({"cron": "*/0 * * * *"}, "'*/0'"),
        ({"cron": "0 0 * * FUNDAY"}, "FUNDAY"),
        ({"cron": "0 0 * * *", "timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"cron": "0 0 * * *", "timezone": "Europe"}, "Europe"),
        ({"cron": "0 0 * * *", "timezone": "../etc/passwd"}, "passwd"),
    ],
)
def test_a_schedule_that_could_never_fire_is_refused(ada: SandboxClient, trigger: dict[str, Any], message: str) -> None:
    answer = ada.send_yaml("POST", CORES, manifest([MAIL], trigger=by_the_clock(**trigger)))

    assert (answer.status, answer.code) == (400, "VERIFIER_ERROR")
    assert "the schedule cannot be read" in answer.json["error"]["message"]
    assert message in answer.json["error"]["message"]


@pytest.mark.parametrize("cron", ["*/5 8-18 * * MON-FRI", "0 0 1,15 jan *", "5/20 * * * 7"])
def test_a_schedule_of_crontab_s_grammar_is_taken(ada: SandboxClient, cron: str) -> None:
    ada.deploy([MAIL], trigger=by_the_clock(cron=cron, timezone="Europe/Amsterdam"))


@time_machine.travel(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), tick=False)
def test_a_line_that_an_older_sandbox_took_into_its_file_never_fires_and_stops_nothing(tmp_path: Path) -> None:
    config = Config(port=0, state=tmp_path / "state.db")
    with running(config) as url:
        old = SandboxClient(url).sign_in("usr_ada").deploy([MAIL], trigger=by_the_clock(cron="0 * * * *"))
    with sqlite3.connect(tmp_path / "state.db") as file:
        change = "UPDATE document SET body = replace(body, '0 * * * *', '99 * * * *') WHERE kind = 'core' AND id = ?"
        assert file.execute(change, (old,)).rowcount == 1
    file.close()

    with running(config) as url:
        ada = SandboxClient(url).sign_in("usr_ada")
        ada.deploy([MAIL], trigger=by_the_clock(cron="0 * * * *"))
        assert ada.post("/sandbox/clock", {"advance_seconds": 3600}).status == 200
        assert len(ada.get("/sandbox/outbox").json["items"]) == 1
