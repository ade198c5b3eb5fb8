"""What comes with time: checkpoints and waits run out, schedules fire."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from scaiflow.sandbox.config import Config
from tests.sandbox.client import SandboxClient, step
from tests.sandbox.conftest import running
from tests.sandbox.steps import call, queue, resolve


@pytest.fixture
def own() -> Iterator[SandboxClient]:
    """A sandbox of its own, for tests that move its clock; by itself that stands still."""
    with time_machine.travel(datetime(2026, 2, 28, 23, 50, tzinfo=UTC), tick=False), running(Config(port=0)) as url:
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
