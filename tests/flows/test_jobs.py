from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from flows.models import Deployment, Job
from flows.operations.deploy import deploy
from flows.operations.heartbeat import beating
from flows.operations.jobs import LOST_AFTER, work_on
from tests.conftest import Caller
from tests.drawings import greeting
from tests.loopback import Asked, Service, Told

pytestmark = pytest.mark.django_db(transaction=True)
CORES = "/v1/modules/scaicore/cores"


def make(caller: Caller, name: str = "Greeting") -> str:
    return caller.post("/api/v1/flows", {"name": name, "content": greeting()}).json()["id"]


class SlowGrid:
    """Holds every new Core back until it is let go, and counts how many came meanwhile."""

    def __init__(self, service: Service) -> None:
        self.go, self.waiting = threading.Event(), threading.Semaphore(0)
        self.made = 0
        service.on("POST", CORES, self.answer)

    def answer(self, asked: Asked) -> Told:
        self.made += 1
        core = f"core_{self.made}"
        self.waiting.release()
        self.go.wait(10)
        return Told(201, {"data": {"id": core}})


def post_deploy(token: str, flow_id: str) -> Any:
    try:
        return Caller(token).post(f"/api/v1/flows/{flow_id}/deploy", {}).json()
    finally:
        connections.close_all()


def test_a_second_deploy_of_a_flow_waits_for_the_first(ada: Caller, scaigrid: Service) -> None:
    grid, flow_id = SlowGrid(scaigrid), make(ada)
    scaigrid.on("PUT", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1"}}))
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(post_deploy, ada.token, flow_id) for _ in range(2)]
        assert grid.waiting.acquire(timeout=10)
        assert not grid.waiting.acquire(timeout=0.5)
        assert sorted(Job.objects.values_list("state", flat=True)) == ["queued", "running"]
        grid.go.set()
        assert {told.result()["core_id"] for told in both} == {"core_1"}
    assert scaigrid.road() == [f"POST {CORES}", f"PUT {CORES}/core_1"]


def test_deploys_of_different_flows_run_side_by_side(ada: Caller, scaigrid: Service) -> None:
    grid = SlowGrid(scaigrid)
    flows = [make(ada, name) for name in ("One", "Two")]
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(post_deploy, ada.token, flow_id) for flow_id in flows]
        assert grid.waiting.acquire(timeout=10)
        assert grid.waiting.acquire(timeout=10)
        grid.go.set()
        assert {told.result()["core_id"] for told in both} == {"core_1", "core_2"}


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


def test_a_task_that_is_delivered_twice_works_once(ada: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    job_id = ada.post(f"/api/v1/flows/{make(ada)}/deploy", {}).json()["job_id"]
    work_on(job_id=job_id, work=deploy)
    assert len(scaigrid.calls("POST", CORES)) == Deployment.objects.count() == 1


def test_a_running_job_gives_signs_of_life(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.operations.heartbeat.EVERY_SECONDS", 0.01)
    long_ago = timezone.now() - timedelta(hours=1)
    job = Job.objects.create(flow_id=make(ada), kind="deploy", state="running", heartbeat_at=long_ago)
    seen = threading.Event()
    with beating(job):
        for _ in range(500):
            job.refresh_from_db()
            if job.heartbeat_at > long_ago or seen.wait(0.01):
                break
    assert job.heartbeat_at > long_ago


def test_a_bug_in_a_job_is_told_by_its_request_id_alone(ada: Caller, scaigrid: Service) -> None:
    flow_id = make(ada)
    job = Job.objects.create(flow_id=flow_id, kind="deploy", arguments={}, request_id="req_of_the_caller")
    with pytest.raises(KeyError):
        work_on(job_id=job.id, work=deploy)
    error = ada.get(f"/api/v1/jobs/{job.id}").json()["error"]
    assert error["status"] == 500
    assert error["detail"]["request_id"] == "req_of_the_caller"
    assert "KeyError" not in str(error)


def test_an_unknown_job_is_not_found(ada: Caller) -> None:
    assert ada.get("/api/v1/jobs/job_none").json() == {"detail": "job not found"}
