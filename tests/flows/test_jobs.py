from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connections
from django.utils import timezone

from flows.models import Deployment, Job
from flows.models.jobs import LOST_AFTER
from flows.operations.deploy import deploy
from flows.operations.heartbeat import beating
from flows.operations.jobs import wait_for
from flows.operations.tending import tend_jobs
from flows.operations.working import work_on
from scaiflow.kit import crypto
from scaiflow.kit.models import AuditEntry
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


def test_turns_are_taken_in_the_order_in_which_they_were_asked_for(ada: Caller, scaigrid: Service) -> None:
    """Else the older version could end up as the one that is live."""
    grid, flow_id = SlowGrid(scaigrid), make(ada)
    scaigrid.on("PUT", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1"}}))
    jobs = []
    for number in range(4):
        ada.put(f"/api/v1/flows/{flow_id}", {"content": greeting(f"Hello {number}")})
        later = {"Prefer": "respond-async"}
        jobs.append(ada.post(f"/api/v1/flows/{flow_id}/deploy", {}, headers=later).json()["job_id"])
    assert grid.waiting.acquire(timeout=10)
    grid.go.set()
    for job in Job.objects.filter(id__in=jobs):
        assert wait_for(job=job, seconds=20).state == "succeeded"
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


def keyed(caller: Caller, flow_id: str, key: str, **body: Any) -> Any:
    return caller.post(f"/api/v1/flows/{flow_id}/deploy", body, headers={"Idempotency-Key": key})


def test_a_request_that_is_sent_twice_is_one_job(ada: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    flow_id = make(ada)
    first = keyed(ada, flow_id, "once").json()
    ada.put(f"/api/v1/flows/{flow_id}", {"content": greeting("Bye")})
    assert keyed(ada, flow_id, "once").json() == first
    assert len(scaigrid.asked) == Job.objects.count() == Deployment.objects.count() == 1


def test_one_key_for_two_requests_is_refused(ada: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    flow_id = make(ada)
    keyed(ada, flow_id, "once")
    refused = keyed(ada, flow_id, "once", publish_as_model=True)
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["header", "Idempotency-Key"]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_a_key_that_is_not_sane_is_refused(ada: Caller, key: str) -> None:
    assert keyed(ada, make(ada), key).status_code == 422
    assert not Job.objects.exists()


def test_the_same_request_many_times_at_once_is_one_job(ada: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    flow_id, gate = make(ada), threading.Barrier(6)

    def ask(_: int) -> str:
        gate.wait()
        try:
            return keyed(Caller(ada.token), flow_id, "at once").json()["job_id"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1
    assert len(scaigrid.asked) == 1


def test_a_job_that_waits_for_its_turn_can_be_called_off(ada: Caller, scaigrid: Service) -> None:
    grid, flow_id = SlowGrid(scaigrid), make(ada)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(post_deploy, ada.token, flow_id)
        assert grid.waiting.acquire(timeout=10)
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
        go.wait(10)
        return Told(200, {"data": [{"id": "sc_1", "slug": "support"}]})

    scaigrid.on("GET", "/v1/modules/scaiqueue/scopes", held)
    content = greeting(config={"scaiqueue": {"scope": "support"}})
    flow_id = ada.post("/api/v1/flows", {"name": "Greeting", "content": content}).json()["id"]
    with ThreadPoolExecutor(1) as pool:
        deploying = pool.submit(post_deploy, ada.token, flow_id)
        assert come.wait(10)
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
        assert grid.waiting.acquire(timeout=10)
        told = ada.post(f"/api/v1/jobs/{Job.objects.get().id}/cancel").json()
        grid.go.set()
        assert told["state"] == "running"
        assert deploying.result()["core_id"] == "core_1"
    assert Deployment.objects.count() == 1


def test_a_job_and_what_it_leaves_behind_end_together(ada: Caller, scaigrid: Service, monkeypatch: Any) -> None:
    """A worker that was thought lost comes back: its job has ended, so it leaves nothing."""
    flow_id = make(ada)

    def lost_meanwhile(asked: Asked) -> Told:
        Job.objects.update(state="failed", exclusive_key=None)
        connections.close_all()
        return Told(201, {"data": {"id": "core_1"}})

    scaigrid.on("POST", CORES, lost_meanwhile)
    ada.post(f"/api/v1/flows/{flow_id}/deploy", {}, headers={"Prefer": "respond-async"})
    job = wait_for(job=Job.objects.get(), seconds=10)
    assert job.state == "failed"
    assert Deployment.objects.count() == 0


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


def test_the_beat_ends_lost_jobs_and_sends_forgotten_ones_again(ada: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    long_ago = timezone.now() - timedelta(minutes=5)
    lost = Job.objects.create(flow_id=make(ada, "Lost"), kind="deploy", state="running", heartbeat_at=long_ago)
    forgotten = Job.objects.create(
        flow_id=make(ada, "Forgotten"), kind="deploy", arguments={"version": "1.0.0"}, created_at=long_ago,
        sealed_token=crypto.seal("sgk_of_somebody", bound_to="job_forgotten"), id="job_forgotten",
    )  # fmt: skip
    tend_jobs()
    lost.refresh_from_db()
    assert (lost.state, lost.error["detail"]["error"]) == ("failed", "worker_lost")
    assert wait_for(job=forgotten, seconds=10).state == "succeeded"
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
