"""What goes, what stays, and what is written out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.utils import timezone

from flows.models import Flow, Job
from scaiflow.console.retention import keep_house
from scaiflow.console.tasks import keep_the_house
from scaiflow.kit import audit
from scaiflow.kit.errors import Unavailable
from scaiflow.kit.models import AuditEntry
from tests import cast
from tests.conftest import Caller, SignIn
from tests.drawings import greeting
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def midday() -> Iterator[None]:
    """No day ends while a test runs."""
    with time_machine.travel(NOON):
        yield


def delivered(days_ago: int) -> Delivery:
    at = timezone.now() - timedelta(days=days_ago)
    return Delivery.objects.create(
        event_id=f"evt_{days_ago}", type="user.created", occurred_at=at, received_at=at, handled=True
    )


@pytest.fixture
def flow(ada: Caller) -> Flow:
    return Flow.objects.get(id=ada.post("/api/v1/flows", {"name": "x", "content": greeting()}).json()["id"])


def job(flow: Flow, state: str, days_ago: int) -> Job:
    at = timezone.now() - timedelta(days=days_ago)
    return Job.objects.create(
        flow=flow, kind="deploy", state=state, created_at=at, finished_at=None if state == "running" else at
    )


def test_old_deliveries_and_jobs_that_are_over_go(flow: Flow) -> None:
    delivered(91), delivered(89)
    old, young, running = job(flow, "succeeded", 181), job(flow, "failed", 179), job(flow, "running", 400)
    counts = keep_house()
    assert (counts["deliveries"], counts["jobs"]) == (1, 1)
    assert list(Delivery.objects.values_list("event_id", flat=True)) == ["evt_89"]
    assert set(Job.objects.values_list("id", flat=True)) == {young.id, running.id}
    assert old.id not in set(Job.objects.values_list("id", flat=True))
    assert keep_house() == counts | {"deliveries": 0, "jobs": 0}


def test_what_goes_stands_in_the_audit_log_of_its_tenant_with_its_number(flow: Flow, sign_in: SignIn) -> None:
    """One entry for a tenant and kind, and none where nothing went."""
    olaf = sign_in(**cast.OLAF)
    theirs = Flow.objects.get(id=olaf.post("/api/v1/flows", {"name": "y", "content": greeting()}).json()["id"])
    for whose in (flow, flow, theirs):
        job(whose, "succeeded", 181)
    for days in (91, 92):
        delivered(days)
    Delivery.objects.filter(event_id="evt_92").update(tenant_id="tnt_demo")
    Session.objects.create(session_key="x", session_data="", expire_date=timezone.now() - timedelta(days=1))
    keep_house()
    keep_house()
    told = AuditEntry.objects.filter(action__endswith=".forgotten")
    assert {entry.actor_id for entry in told} == {"system"}
    assert sorted((e.tenant_id, e.action, e.object_type, e.changes["removed"]) for e in told) == [
        ("", "deliveries.forgotten", "delivery", 1),
        ("", "sessions.forgotten", "session", 1),
        ("tnt_demo", "deliveries.forgotten", "delivery", 1),
        ("tnt_demo", "jobs.forgotten", "job", 2),
        ("tnt_other", "jobs.forgotten", "job", 1),
    ]
    assert [problem for tenant in ("", "tnt_demo", "tnt_other") for problem in audit.problems(tenant)] == []


def test_nothing_goes_where_it_is_to_be_kept_for_ever(flow: Flow, settings: Any) -> None:
    settings.RETENTION_DAYS = {"deliveries": 0, "jobs": 0}
    delivered(3000)
    job(flow, "succeeded", 3000)
    assert (keep_house()["deliveries"], keep_house()["jobs"]) == (0, 0)


def test_the_audit_log_is_never_shortened_and_written_out_day_by_day(
    flow: Flow, settings: Any, empty_storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUDIT_EXPORT = True
    entries = AuditEntry.objects.count()
    assert keep_house()["audit_days"] == 0  # a day that is not over
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr("scaiflow.console.retention.timezone.now", lambda: tomorrow)
    assert keep_house()["audit_days"] == 1
    (written,) = (empty_storage / "audit/tnt_demo").glob("*.jsonl")
    lines = [json.loads(line) for line in written.read_text().splitlines()]
    assert [line["sequence"] for line in lines] == list(range(1, entries + 1))
    assert lines[0]["digest"] == AuditEntry.objects.get(sequence=1).digest
    assert keep_house()["audit_days"] == 0  # written once
    assert AuditEntry.objects.count() == entries


def test_it_is_asked_for_often_so_that_also_a_beat_that_is_new_every_day_asks(settings: Any) -> None:
    assert settings.CELERY_BEAT_SCHEDULE["keep-house"]["schedule"] <= timedelta(hours=1)


def test_however_often_it_is_asked_for_it_is_done_once_a_day() -> None:
    done = []
    with time_machine.travel(NOON, tick=False) as clock:
        for hour in range(50):
            clock.move_to(NOON + timedelta(hours=hour))
            delivered(91 + hour)
            keep_the_house()
            done += [] if Delivery.objects.exists() else [hour]
    assert done == [0, 24, 48]


def test_what_failed_is_done_at_the_next_asking(flow: Flow, settings: Any, empty_storage: Path) -> None:
    settings.AUDIT_EXPORT = True
    (empty_storage / "audit").write_text("in the way")
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=False) as clock:
        with pytest.raises(Unavailable):
            keep_the_house()
        (empty_storage / "audit").unlink()
        clock.shift(timedelta(minutes=10))
        keep_the_house()
    assert len(list((empty_storage / "audit/tnt_demo").glob("*.jsonl"))) == 1


def test_a_long_one_keeps_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease is renewed with every portion, so that it is not begun again beside itself."""
    monkeypatch.setattr("scaiflow.console.retention.BATCH", 1)
    for days in (91, 92, 93):
        delivered(days)
    breaths: list[int] = []
    keep_house(breathe=lambda: breaths.append(Delivery.objects.count()))
    assert breaths == [2, 1, 0]
