"""Jobs whose worker died, or was thought dead, or whose message was lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from flows.models import Deployment, Job
from flows.models.jobs import LOST_AFTER
from flows.operations.deploy import deploy
from flows.operations.heartbeat import beating
from flows.operations.jobs import wait_for
from flows.operations.tending import tend_jobs
from flows.operations.working import work_on
from scaiflow.kit import crypto
from tests.conftest import Caller
from tests.flows.deploying import CORES, PATIENCE, make, until
from tests.loopback import Asked, Service, Told

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_deploy_whose_worker_died_ends_as_lost_and_blocks_nobody(ada: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    flow_id = make(ada)
    silent = timezone.now() - LOST_AFTER - timedelta(seconds=1)
    dead = Job.objects.create(
        flow_id=flow_id, kind="deploy", state="running", exclusive_key=flow_id, heartbeat_at=silent, sealed_token="x"
    )
    assert ada.post(f"/api/v1/flows/{flow_id}/deploy", {}).json()["core_id"] == "core_1"
    told = ada.get(f"/api/v1/jobs/{dead.id}").json()
    assert (told["state"], told["error"]["detail"]["error"]) == ("failed", "worker_lost")
    dead.refresh_from_db()
    assert dead.sealed_token is None


def test_a_lost_job_ends_as_soon_as_somebody_looks_at_it(ada: Caller, scaigrid: Service) -> None:
    flow_id = make(ada)
    silent = timezone.now() - LOST_AFTER - timedelta(seconds=1)
    dead = Job.objects.create(flow_id=flow_id, kind="deploy", state="running", heartbeat_at=silent, sealed_token="x")
    told = ada.get(f"/api/v1/jobs/{dead.id}").json()
    assert (told["state"], told["error"]["detail"]["error"]) == ("failed", "worker_lost")


def test_a_worker_that_was_thought_lost_makes_no_further_call(ada: Caller, scaigrid: Service) -> None:
    def lost_meanwhile(asked: Asked) -> Told:
        Job.objects.update(state="failed", exclusive_key=None)
        connections.close_all()
        return Told(201, {"data": {"id": "core_1"}})

    scaigrid.on("POST", CORES, lost_meanwhile)
    flow_id = make(ada)
    job = Job.objects.create(
        flow_id=flow_id, kind="deploy", arguments={"version": "1.0.0", "publish_as_model": True},
        sealed_token=crypto.seal("sgk_of_somebody", bound_to="job_overtaken"), id="job_overtaken",
    )  # fmt: skip
    work_on(job_id=job.id, work=deploy)
    assert scaigrid.road() == [f"POST {CORES}"]
    assert Deployment.objects.count() == 0


def test_a_running_job_gives_signs_of_life(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.operations.heartbeat.EVERY_SECONDS", 0.01)
    long_ago = timezone.now() - timedelta(hours=1)
    job = Job.objects.create(flow_id=make(ada), kind="deploy", state="running", heartbeat_at=long_ago)
    with beating(job):
        until(lambda: Job.objects.get().heartbeat_at > long_ago)


def test_a_job_and_what_it_leaves_behind_end_together(ada: Caller, scaigrid: Service, monkeypatch: Any) -> None:
    """A worker that was thought lost comes back: its job has ended, so it leaves nothing."""
    flow_id = make(ada)

    def lost_meanwhile(asked: Asked) -> Told:
        Job.objects.update(state="failed", exclusive_key=None)
        connections.close_all()
        return Told(201, {"data": {"id": "core_1"}})

    scaigrid.on("POST", CORES, lost_meanwhile)
    ada.post(f"/api/v1/flows/{flow_id}/deploy", {}, headers={"Prefer": "respond-async"})
    job = wait_for(job=Job.objects.get(), seconds=PATIENCE)
    assert job.state == "failed"
    assert Deployment.objects.count() == 0


def test_the_beat_ends_lost_jobs_and_sends_forgotten_ones_again(ada: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    long_ago = timezone.now() - timedelta(minutes=5)
    lost = Job.objects.create(flow_id=make(ada, name="Lost"), kind="deploy", state="running", heartbeat_at=long_ago)
    forgotten = Job.objects.create(
        flow_id=make(ada, name="Forgotten"), kind="deploy", arguments={"version": "1.0.0"}, created_at=long_ago,
        sealed_token=crypto.seal("sgk_of_somebody", bound_to="job_forgotten"), id="job_forgotten",
    )  # fmt: skip
    tend_jobs()
    lost.refresh_from_db()
    assert (lost.state, lost.error["detail"]["error"]) == ("failed", "worker_lost")
    assert wait_for(job=forgotten, seconds=PATIENCE).state == "succeeded"
    assert scaigrid.calls("POST", CORES)[0].headers["Authorization"] == "Bearer sgk_of_somebody"


def test_a_job_is_sent_again_once_a_minute_and_not_at_every_beat(ada: Caller, settings: Any) -> None:
    """Nobody takes it up: this Celery's broker is in memory, and no worker listens there."""
    settings.REDIS_URL = "redis://nobody.listens"
    long_ago = timezone.now() - timedelta(minutes=5)
    job = Job.objects.create(flow_id=make(ada), kind="deploy", created_at=long_ago)
    sent = []
    for _ in range(3):
        tend_jobs()
        job.refresh_from_db()
        sent.append(job.sent_at)
    assert sent[0] > long_ago
    assert sent == [sent[0]] * 3


def test_the_beat_leaves_alone_what_goes_its_way(ada: Caller, scaigrid: Service) -> None:
    flow_id, now = make(ada), timezone.now()
    Job.objects.create(flow_id=flow_id, kind="deploy", state="running", heartbeat_at=now, exclusive_key=flow_id)
    Job.objects.create(flow_id=flow_id, kind="deploy", created_at=now - timedelta(minutes=5))
    tend_jobs()
    assert sorted(Job.objects.values_list("state", flat=True)) == ["queued", "running"]
    assert scaigrid.asked == []
