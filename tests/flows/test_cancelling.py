"""Jobs called off, in each of their states."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.utils import timezone

from flows.models import Deployment, Job
from flows.operations.deploy import deploy
from flows.operations.working import work_on
from scaiflow.kit.models import AuditEntry
from tests.conftest import Caller
from tests.drawings import greeting
from tests.flows.deploying import PATIENCE, SlowGrid, make, post_deploy
from tests.loopback import Asked, Service, Told

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_job_that_waits_for_its_turn_can_be_called_off(ada: Caller, scaigrid: Service) -> None:
    grid, flow_id = SlowGrid(scaigrid), make(ada)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(post_deploy, ada.token, flow_id)
        assert grid.waiting.acquire(timeout=PATIENCE)
        second = ada.post(f"/api/v1/flows/{flow_id}/deploy", {}, headers={"Prefer": "respond-async"}).json()["job_id"]
        told = ada.post(f"/api/v1/jobs/{second}/cancel").json()
        grid.go.set()
        assert told["state"] == "cancelled"
        assert first.result()["core_id"] == "core_1"
    assert grid.made == 1
    assert ada.post(f"/api/v1/jobs/{second}/cancel").status_code == 409


def test_a_deploy_that_is_called_off_at_its_queues_touches_no_core(ada: Caller, scaigrid: Service) -> None:
    come, go = threading.Event(), threading.Event()

    def held(asked: Asked) -> Told:
        come.set()
        go.wait(PATIENCE)
        return Told(200, {"data": [{"id": "sc_1", "slug": "support"}]})

    scaigrid.on("GET", "/v1/modules/scaiqueue/scopes", held)
    content = greeting(config={"scaiqueue": {"scope": "support"}})
    flow_id = ada.post("/api/v1/flows", {"name": "Greeting", "content": content}).json()["id"]
    with ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(post_deploy, ada.token, flow_id)
        assert come.wait(PATIENCE)
        assert ada.post(f"/api/v1/jobs/{Job.objects.get().id}/cancel").json()["state"] == "running"
        go.set()
        assert deploying.result() == {"detail": "the job was cancelled"}
    assert [asked.path for asked in scaigrid.calls("POST")] == []
    job = Job.objects.get()
    assert (job.state, job.sealed_token, job.exclusive_key) == ("cancelled", None, None)


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_what_is_over_cannot_be_called_off(ada: Caller, state: str) -> None:
    job = Job.objects.create(flow_id=make(ada), kind="deploy", state=state)
    before = AuditEntry.objects.count()
    assert ada.post(f"/api/v1/jobs/{job.id}/cancel").json() == {"detail": f"the job is over: {state}"}
    job.refresh_from_db()
    assert (job.state, AuditEntry.objects.count()) == (state, before)


def test_a_running_job_is_called_off_where_nothing_is_left_behind(ada: Caller, scaigrid: Service) -> None:
    flow_id = make(ada)
    job = Job.objects.create(
        flow_id=flow_id, kind="deploy", arguments={"version": "1.0.0"}, cancel_asked_at=timezone.now(), sealed_token="x"
    )
    work_on(job_id=job.id, work=deploy)
    job.refresh_from_db()
    assert (job.state, job.sealed_token, job.exclusive_key) == ("cancelled", None, None)
    assert scaigrid.asked == []


def test_a_core_that_is_made_is_recorded_although_the_job_was_called_off(ada: Caller, scaigrid: Service) -> None:
    grid, flow_id = SlowGrid(scaigrid), make(ada)
    with ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(post_deploy, ada.token, flow_id)
        assert grid.waiting.acquire(timeout=PATIENCE)
        told = ada.post(f"/api/v1/jobs/{Job.objects.get().id}/cancel").json()
        grid.go.set()
        assert told["state"] == "running"
        assert deploying.result()["core_id"] == "core_1"
    assert Deployment.objects.count() == 1
