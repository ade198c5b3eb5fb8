"""Jobs: one deploy of a flow at a time, in turn; different flows side by side; seen, and listed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from flows.models import Deployment, Job
from flows.operations.deploy import deploy
from flows.operations.jobs import wait_for
from flows.operations.working import work_on
from tests.conftest import Caller
from tests.drawings import greeting
from tests.flows.deploying import CORES, PATIENCE, SlowGrid, make, post_deploy, until
from tests.loopback import Service, Told

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_second_deploy_of_a_flow_waits_for_the_first(ada: Caller, scaigrid: Service) -> None:
    grid, flow_id = SlowGrid(scaigrid), make(ada)
    scaigrid.on("PUT", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1"}}))
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(post_deploy, ada.token, flow_id) for _ in range(2)]
        assert grid.waiting.acquire(timeout=PATIENCE)
        until(lambda: Job.objects.count() == 2)
        work_on(job_id=Job.objects.get(state="queued").id, work=deploy)  # as its own thread does, at some moment
        assert sorted(Job.objects.values_list("state", flat=True)) == ["queued", "running"]
        assert grid.made == 1
        grid.go.set()
        assert {told.result()["core_id"] for told in both} == {"core_1"}
    assert scaigrid.road() == [f"POST {CORES}", f"PUT {CORES}/core_1"]


def test_turns_are_taken_in_the_order_in_which_they_were_asked_for(ada: Caller, scaigrid: Service) -> None:
    """Else the older version could end up as the one that is live."""
    grid, flow_id = SlowGrid(scaigrid), make(ada)
    scaigrid.on("PUT", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1"}}))
    jobs = []
    for number in range(4):
        ada.put(f"/api/v1/flows/{flow_id}", {"content": greeting(f"Hello {number}")})
        later = {"Prefer": "respond-async"}
        jobs.append(ada.post(f"/api/v1/flows/{flow_id}/deploy", {}, headers=later).json()["job_id"])
    assert grid.waiting.acquire(timeout=PATIENCE)
    grid.go.set()
    for job in Job.objects.filter(id__in=jobs):
        assert wait_for(job=job, seconds=PATIENCE).state == "succeeded"
    assert [f"Hello {n}".encode() in asked.body for n, asked in enumerate(scaigrid.asked)] == [True] * 4
    assert list(Job.objects.order_by("started_at").values_list("id", flat=True)) == jobs
    assert Deployment.objects.newest_first()[0].flow_version == "1.0.4"


def test_the_database_itself_lets_no_second_deploy_of_a_flow_run(ada: Caller) -> None:
    flow_id, now = make(ada), timezone.now()
    running = {"flow_id": flow_id, "kind": "deploy", "state": "running", "exclusive_key": flow_id, "heartbeat_at": now}
    Job.objects.create(**running)
    with pytest.raises(IntegrityError):
        Job.objects.create(**running)


def test_deploys_of_different_flows_run_side_by_side(ada: Caller, scaigrid: Service) -> None:
    grid = SlowGrid(scaigrid)
    flows = [make(ada, name=name) for name in ("One", "Two")]
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(post_deploy, ada.token, flow_id) for flow_id in flows]
        assert grid.waiting.acquire(timeout=PATIENCE)
        assert grid.waiting.acquire(timeout=PATIENCE)
        grid.go.set()
        assert {told.result()["core_id"] for told in both} == {"core_1", "core_2"}


def test_a_task_that_is_delivered_twice_works_once(ada: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    job_id = ada.post(f"/api/v1/flows/{make(ada)}/deploy", {}).json()["job_id"]
    work_on(job_id=job_id, work=deploy)
    assert len(scaigrid.calls("POST", CORES)) == Deployment.objects.count() == 1


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


def test_a_flows_jobs_are_listed_newest_first(ada: Caller, scaigrid: Service, django_assert_num_queries: Any) -> None:
    scaigrid.on("POST", CORES, Told(500, {}))
    flow_id = make(ada)
    for _ in range(2):
        ada.post(f"/api/v1/flows/{flow_id}/deploy", {})
    items = ada.get(f"/api/v1/flows/{flow_id}/jobs").json()["items"]
    assert [item["state"] for item in items] == ["failed", "failed"]
    assert items[0]["created_at"] > items[1]["created_at"]
    with django_assert_num_queries(3):
        ada.get(f"/api/v1/flows/{flow_id}/jobs")
    assert items[0]["error"]["detail"]["error"] == "scaicore_create_failed"


def test_more_deploys_wait_at_once_than_there_are_connections(ada: Caller, scaigrid: Service) -> None:
    """A pool has ten. Whoever waits, for ScaiGrid or for a job, needs none."""
    grid, at_once = SlowGrid(scaigrid), 12
    flows = [make(ada, name=f"Flow {n}") for n in range(at_once)]
    with ThreadPoolExecutor(at_once) as pool:
        sent = [pool.submit(post_deploy, ada.token, flow_id) for flow_id in flows]
        for _ in range(at_once):
            assert grid.waiting.acquire(timeout=PATIENCE)
        assert ada.get("/api/v1/me").status_code == 200
        grid.go.set()
        assert len({told.result()["core_id"] for told in sent}) == at_once
