"""Jobs: started by a request, worked on by a task, and ended exactly once.

The caller's token rests sealed in the job's row while the job lives, so it never goes through the broker, and is gone from
the database when the job ends. One deploy of a flow runs at a time: `exclusive_key` is unique, and who comes second waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from flows.actions import JOB_STARTED
from flows.models import Flow, Job
from flows.operations.heartbeat import beating
from flows.roles import JobKind, JobState
from scaiflow.kit import api, audit, crypto
from scaiflow.kit.errors import AppError, PassedThrough
from scaiflow.kit.jobs import enqueue
from tenants.principals import Principal

log = structlog.get_logger(__name__)
LOST_AFTER = timedelta(seconds=45)
TURN_PAUSE = 0.25
LOST = {
    "status": 500,
    "detail": {"error": "worker_lost", "message": "the worker died while it ran this job; run it again"},
}
Work = Callable[[Job], dict[str, Any]]


class JobFailed(AppError):
    """What the job failed with, told again to the one who waits for it."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__("the job failed", headers=error.get("headers"))
        self.status = error["status"]
        self._detail = error["detail"]

    @property
    def detail(self) -> Any:
        return self._detail


def start_job(*, flow: Flow, by: Principal, kind: JobKind, arguments: dict[str, Any]) -> Job:
    """The job's row, and its task on the way. Raises kombu's OperationalError when the broker is down; the job is then
    over before it began."""
    job = Job(flow=flow, kind=kind, requested_by=by.sub, arguments=arguments)
    job.request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    job.sealed_token = crypto.seal(by.token, bound_to=job.id) if by.token else None
    with transaction.atomic():
        job.save(force_insert=True)
        audit.record(
            action=JOB_STARTED, tenant_id=flow.tenant_id, actor_id=by.sub, object_type="flow", object_id=flow.id,
            changes={"job": job.id, "kind": str(kind)},
        )  # fmt: skip
    try:
        enqueue(f"flows.{kind}", job_id=job.id)
    except BaseException:
        _end(job, state=JobState.FAILED, error={"status": 503, "detail": "the broker is down"})
        raise
    return job


def work_on(*, job_id: str, work: Work) -> None:
    """Run `work` for this job, unless the job has ended or is another's; come back later when the flow is busy."""
    job = _claim(job_id)
    if job is None:
        return
    structlog.contextvars.bind_contextvars(request_id=job.request_id, job=job.id)
    try:
        with beating(job):
            result = work(job)
    except AppError as error:
        _end(job, state=JobState.FAILED, error=_as_data(error))
    except BaseException as error:
        _end(job, state=JobState.FAILED, error=_bug(job, error))
        raise
    else:
        _end(job, state=JobState.SUCCEEDED, result=result)


def wait_for(*, job: Job, seconds: float) -> Job:
    """The job as it is when it is over, or when the time is."""
    deadline, pause = time.monotonic() + seconds, 0.01
    while not job.is_over and time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
        job.refresh_from_db()
    return job


def outcome_of(job: Job) -> dict[str, Any]:
    """The result of a job that is over. Raises JobFailed, PassedThrough."""
    if job.error is None:
        return dict(job.result or {})
    if "body" in job.error:
        error = job.error
        raise PassedThrough(status=error["status"], body=error["body"].encode(), headers=error["headers"])
    raise JobFailed(job.error)


def token_of(job: Job) -> str | None:
    return crypto.unseal(job.sealed_token, bound_to=job.id) if job.sealed_token else None


@contextmanager
def step(job: Job, name: str) -> Iterator[None]:
    """Records in the job's progress that the step runs, and how it ended."""
    _note(job, name, "running")
    try:
        yield
    except BaseException:
        _note(job, name, "failed")
        raise
    _note(job, name, "done")


def _note(job: Job, name: str, state: str) -> None:
    at = timezone.now().isoformat()
    kept = [entry for entry in job.progress if entry["step"] != name]
    job.progress = [*kept, {"step": name, "state": state, "at": at}]
    job.save(update_fields=["progress"])
    log.info("job step", job=job.id, kind=job.kind, step=name, state=state)


def _claim(job_id: str) -> Job | None:
    job = Job.objects.select_related("flow").get(id=job_id)
    now = timezone.now()
    fail_lost_jobs(flow=job.flow)
    exclusive = job.flow_id if job.kind == JobKind.DEPLOY else None
    claim = {"state": JobState.RUNNING, "started_at": now, "heartbeat_at": now, "exclusive_key": exclusive}
    try:
        with transaction.atomic():
            taken = Job.objects.filter(id=job_id, state=JobState.QUEUED).update(**claim)
    except IntegrityError:
        enqueue(f"flows.{job.kind}", after_seconds=TURN_PAUSE, job_id=job_id)
        return None
    if not taken:
        return None  # delivered twice: the first delivery has it
    job.refresh_from_db()
    return job


def fail_lost_jobs(*, flow: Flow) -> None:
    """Jobs of this flow whose worker no longer gives a sign of life end here, so that nothing waits for them."""
    silent = flow.jobs.filter(state=JobState.RUNNING, heartbeat_at__lt=timezone.now() - LOST_AFTER)
    for job in silent:
        log.error("worker lost", job=job.id)
        _end(job, state=JobState.FAILED, error=LOST)


def _end(
    job: Job, *, state: JobState, result: dict[str, Any] | None = None, error: dict[str, Any] | None = None
) -> None:
    """The last write to a job. A job that has ended already (lost, and found again) stays as it is."""
    ending = {
        "state": state, "result": result, "error": error, "finished_at": timezone.now(),
        "sealed_token": None, "exclusive_key": None,
    }  # fmt: skip
    open_states = (JobState.QUEUED, JobState.RUNNING)
    if not Job.objects.filter(id=job.id, state__in=open_states).update(**ending):
        log.warning("job had ended already", job=job.id)
    job.refresh_from_db()


def _as_data(error: AppError) -> dict[str, Any]:
    if isinstance(error, PassedThrough):
        return {"status": error.status, "body": error.body.decode("utf-8", "replace"), "headers": error.headers}
    return {"status": error.status, "detail": error.detail, "headers": error.headers}


def _bug(job: Job, error: BaseException) -> dict[str, Any]:
    """What a stranger is told of a failure that is not in the error tree."""
    if isinstance(error, DatabaseError):
        found = api.component_answer(error)
        if found:
            return {"status": found.status, "detail": found.detail, "headers": found.headers}
    message = "something went wrong on our side; tell us the request id"
    return {"status": 500, "detail": {"error": "internal", "message": message, "request_id": job.request_id}}
