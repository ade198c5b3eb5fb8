"""What a deploy leaves in the log and in the metrics: every step, with the id of the request that asked for it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from flows.models import Job
from flows.operations.deploy import deploy as run_deploy
from flows.operations.working import work_on
from scaiflow.kit.logs import formatter
from tests.conftest import Caller
from tests.flows.deploying import CORES, PATIENCE, failure, make
from tests.loopback import Service

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = ["read", "credential", "compile", "core", "publish", "record"]


class Lines(logging.StreamHandler[StringIO]):
    """The log as it is written, line by line."""

    def told(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]


class Ended(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "job ended" in str(record.msg):
            self.said.set()


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines(StringIO())
    handler.setFormatter(formatter("json"))
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def deploy(caller: Caller, flow_id: str, request_id: str) -> None:
    """Returns when the job has also said that it ended, which it does after its row is there for everybody."""
    ended = Ended()
    logging.getLogger().addHandler(ended)
    body = {"publish_as_model": True}
    caller.post(f"/api/v1/flows/{flow_id}/deploy", body, headers={"X-Request-ID": request_id})
    assert ended.said.wait(PATIENCE)
    logging.getLogger().removeHandler(ended)


def test_every_step_is_a_line_with_the_id_of_its_request(ada: Caller, grid: Service, lines: Lines) -> None:
    deploy(ada, make(ada), "req_of_this_deploy")
    steps = lines.told("job step")
    assert [(line["step"], line["state"]) for line in steps] == [
        (step, state) for step in STEPS for state in ("running", "done")
    ]
    (ended,) = lines.told("job ended")
    assert ended["state"] == "succeeded"
    for line in [*steps, ended, *lines.told("upstream")]:
        assert line["request_id"] == "req_of_this_deploy"
    assert all(line["milliseconds"] >= 0 for line in steps if line["state"] == "done")
    assert {asked.headers["X-Request-ID"] for asked in grid.asked} == {"req_of_this_deploy"}
    assert str(ada.token) not in lines.stream.getvalue()


def test_the_record_is_timed_as_every_step_is(ada: Caller, grid: Service) -> None:
    record = {"name": "scaiflow_job_step_seconds_count", "step": "record", "outcome": "done"}
    before = count(**record)
    deploy(ada, make(ada), "req_recorded")
    assert count(**record) - before == 1


def test_a_step_that_fails_is_told_as_that(ada: Caller, grid: Service, lines: Lines) -> None:
    grid.on("POST", CORES, failure(500))
    deploy(ada, make(ada), "req_that_fails")
    last = lines.told("job step")[-1]
    assert (last["step"], last["state"], last["request_id"]) == ("core", "failed", "req_that_fails")
    assert lines.told("job ended")[0]["state"] == "failed"


def test_the_thread_that_worked_forgets_whose_request_it_was(ada: Caller, grid: Service) -> None:
    """Else what it does next would be logged, and told to the upstreams, under that id."""
    structlog.contextvars.clear_contextvars()
    arguments = {"version": "1.0.0"}
    job = Job.objects.create(flow_id=make(ada), kind="deploy", request_id="req_before", arguments=arguments)
    structlog.contextvars.clear_contextvars()
    work_on(job_id=job.id, work=run_deploy)
    assert structlog.contextvars.get_contextvars() == {}


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_steps_and_ends_are_counted(ada: Caller, grid: Service) -> None:
    step = {"name": "scaiflow_job_step_seconds_count", "step": "core"}
    ended = {"name": "scaiflow_jobs_total", "kind": "deploy"}
    before = count(**step, outcome="done"), count(**step, outcome="failed"), count(**ended, state="failed")
    deploy(ada, make(ada), "req_counted_1")
    grid.on("PUT", f"{CORES}/core_1", failure(500))
    grid.on("POST", CORES, failure(500))
    deploy(ada, make(ada, name="Other"), "req_counted_2")
    after = count(**step, outcome="done"), count(**step, outcome="failed"), count(**ended, state="failed")
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]
