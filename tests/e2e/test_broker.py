"""The broker goes down under a running server; a worker goes down under a broker."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from scaiflow.console.stage import start_worker
from tests.drawings import greeting
from tests.e2e.faults import CORES, Broker, Installation, StatefulGrid
from tests.e2e.test_faults import until
from tests.loopback import Told, serving
from tests.scaikey import ScaiKey
from tests.servers import running_redis
from tests.webhooks.test_scaikey import SECRET, signed

pytestmark = [pytest.mark.process, pytest.mark.slow]


def test_a_deploy_that_could_not_be_sent_is_over_and_can_be_asked_for_again(tmp_path: Path) -> None:
    with ExitStack() as stack:
        key = stack.enter_context(serving(ScaiKey()))
        grid = stack.enter_context(serving(StatefulGrid()))
        with running_redis() as redis_url:
            hook = {"SCAIFLOW_SCAIKEY_WEBHOOK_SECRET": SECRET}
            made = Installation(tmp_path, key, grid, SCAIFLOW_REDIS_URL=redis_url, **hook)
            stack.enter_context(made.group)
            made.start(with_worker=False)
        visitor = made.visitor()
        event = {"id": "evt_1", "type": "application.group_assigned", "tenant_id": "tnt_demo", "data": {}}
        handled = visitor.send("POST", "/api/v1/webhooks/scaikey", event, signed_headers(event))
        with closing(made.connect()) as database:
            kept = database.execute("SELECT outcome, waits_since IS NULL FROM webhooks_delivery").fetchall()
        flow_id = visitor.send("POST", "/api/v1/flows", {"name": "x", "content": greeting()}).body["id"]
        told = [send(visitor, flow_id) for _ in range(2)]
        jobs = visitor.send("GET", f"/api/v1/flows/{flow_id}/jobs").body["items"]
    assert (handled.status, handled.body, kept) == (200, {"handled": True}, [("will be applied", 0)])
    for answer in told:
        assert (answer.status, answer.body["detail"]["component"]) == (503, "broker")
        assert answer.headers["retry-after"]
    assert [(job["state"], job["error"]["status"]) for job in jobs] == [("failed", 503)] * 2
    assert grid.asked == []


def signed_headers(event: dict[str, Any]) -> dict[str, str]:
    """For the bytes that a visitor sends."""
    return signed(json.dumps(event).encode())


def send(visitor: Any, flow_id: str) -> Any:
    """The same request each time."""
    return visitor.send("POST", f"/api/v1/flows/{flow_id}/deploy", {}, {"Idempotency-Key": "the same"})


def test_a_task_that_a_killed_worker_had_taken_is_done_by_the_next_and_only_once(tmp_path: Path) -> None:
    """No beat runs here, which would send the job again by itself."""
    with ExitStack() as stack:
        key = stack.enter_context(serving(ScaiKey()))
        key.on("POST", "/token", Told(200, {"access_token": "a service's", "expires_in": 600}))
        grid = stack.enter_context(serving(StatefulGrid()))
        redis_url = stack.enter_context(running_redis())
        made = Installation(tmp_path, key, grid, SCAIFLOW_REDIS_URL=redis_url)
        stack.enter_context(made.group)
        made.start(with_worker=False)
        visitor, broker = made.visitor(), Broker(redis_url)
        flow_id = visitor.send("POST", "/api/v1/flows", {"name": "x", "content": greeting()}).body["id"]
        later = {"Prefer": "respond-async"}
        job_id = visitor.send("POST", f"/api/v1/flows/{flow_id}/deploy", {}, later).body["job_id"]
        with closing(made.locked()):  # who takes the task cannot write down that it works on it
            start_worker(made.group, made.env)
            until(lambda: broker.taken() == [job_id], "the task is taken")
            with pytest.raises(
                AssertionError, match="done with it"
            ):  # also not when it has begun, which takes a moment
                until(lambda: not broker.taken(), "the worker says that it is done with it", seconds=2)
            made.kill_who_works()
        assert broker.taken() == [job_id]
        assert visitor.send("GET", f"/api/v1/jobs/{job_id}").body["state"] == "queued"
        (message,) = broker.messages()
        broker.let_an_hour_pass()
        made.start_again()
        until(lambda: visitor.send("GET", f"/api/v1/jobs/{job_id}").body["state"] == "succeeded", "the job is done")
        until(broker.is_empty, "the task is done")
        job = visitor.send("GET", f"/api/v1/jobs/{job_id}").body
        broker.deliver(message)
        until(broker.is_empty, "the task is done once more")
        assert visitor.send("GET", f"/api/v1/jobs/{job_id}").body == job
        assert len(visitor.send("GET", f"/api/v1/flows/{flow_id}/deployments").body) == 1
    assert grid.road().count(f"POST {CORES}") == 1
