"""One key, one job: however often, and however much at once, a request is sent."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from flows.models import Deployment, Job
from tests.conftest import Caller
from tests.drawings import greeting
from tests.flows.deploying import CORES, make
from tests.loopback import Service, Told

pytestmark = pytest.mark.django_db(transaction=True)


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
