"""Jobs, from the side of those who work on them: claimed, kept alive, ended exactly once.

One deploy of a flow runs at a time: `exclusive_key` is unique, and who comes second waits for its turn; turns are taken in
the order in which they were asked for. What a job leaves behind is written in the transaction that ends it, so a worker that
dies leaves all of it or nothing. A worker that was thought dead and is not stops at its next step: the job is no longer its.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import DatabaseError, IntegrityError, models, transaction
from django.utils import timezone

from flows.actions import JOB_ENDED
from flows.models import Flow, Job
from flows.operations.heartbeat import beating
from flows.roles import JobKind, JobState
from scaiflow.kit import api, audit, crypto, tracing
from scaiflow.kit.errors import AppError, PassedThrough
from scaiflow.kit.jobs import enqueue
from scaiflow.kit.metrics import JOBS, STEP_SECONDS
from scaiflow.kit.nul import without_nul
from tenants.actions import SYSTEM

log = structlog.get_logger(__name__)
TURN_PAUSE = 0.25
LOST = {
    "status": 500,
    "detail": {"error": "worker_lost", "message": "the worker died while it ran this job; run it again"},
}


@dataclass(frozen=True)
class Outcome:
    """What work came to: its result or its error, the rows that go into the database with it, and what the audit log is
    told of them (the arguments of `audit.record` that the job does not know)."""

    result: dict[str, Any] | None = None
    error: AppError | None = None
    rows: list[models.Model] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)


class Cancelled(Exception):
    """The job was called off, and is at a place where nothing has been left behind."""


class Overtaken(Exception):
    """The job has ended without us: it was thought lost."""


Work = Callable[[Job], Outcome]


def work_on(*, job_id: str, work: Work) -> None:
    """Run `work` for this job, unless the job has ended or is another's; come back later when the flow is busy. A deploy
    that was asked for earlier goes first, in its place."""
    job = _claim(job_id)
    if job is None:
        return
    with structlog.contextvars.bound_contextvars(request_id=job.request_id, job=job.id):
        _work(job, work)


def _work(job: Job, work: Work) -> None:
    try:
        with beating(job):
            outcome = work(job)
        end_job(job, state=JobState.FAILED if outcome.error else JobState.SUCCEEDED, outcome=outcome)
    except AppError as error:
        end_job(job, state=JobState.FAILED, outcome=Outcome(error=error))
    except Cancelled:
        end_job(job, state=JobState.CANCELLED)
    except Overtaken:
        log.warning("job was overtaken")
    except BaseException as error:
        end_job(job, state=JobState.FAILED, error=_bug(job, error))
        raise


def token_of(job: Job) -> str | None:
    return crypto.unseal(job.sealed_token, bound_to=job.id) if job.sealed_token else None


@contextmanager
def step(job: Job, name: str, *, can_be_left_out: bool = False) -> Iterator[None]:
    """Records in the job's progress that the step runs, and how it ended. Raises Cancelled before a step that can be left
    out, when the job was called off meanwhile, and Overtaken before any when the job has ended without us."""
    if can_be_left_out and Job.objects.filter(id=job.id, cancel_asked_at__isnull=False).exists():
        raise Cancelled
    with _told(job, name, _note):
        yield


@contextmanager
def _told(job: Job, name: str, tell: Callable[[Job, str, str, float | None], None]) -> Iterator[None]:
    tell(job, name, "running", None)
    started = time.perf_counter()
    try:
        yield
    except BaseException:
        tell(job, name, "failed", time.perf_counter() - started)
        raise
    tell(job, name, "done", time.perf_counter() - started)


def _note(job: Job, name: str, state: str, seconds: float | None) -> None:
    job.progress = _with_step(job, name, state)
    if not Job.objects.filter(id=job.id, state=JobState.RUNNING).update(progress=job.progress):
        raise Overtaken
    _log(job, name, state, seconds)


def _log(job: Job, name: str, state: str, seconds: float | None) -> None:
    if seconds is not None and job.kind == JobKind.DEPLOY:  # the steps of a test run are fixtures: names are anybody's
        STEP_SECONDS.labels(name, state).observe(seconds)
    took = None if seconds is None else round(seconds * 1000, 1)
    log.info("job step", job=job.id, kind=job.kind, step=name, state=state, milliseconds=took)


def _with_step(job: Job, name: str, state: str) -> list[dict[str, str]]:
    name = without_nul(name)  # a fixture's name is anybody's
    kept = [entry for entry in job.progress if entry["step"] != name]
    return [*kept, {"step": name, "state": state, "at": timezone.now().isoformat()}]


def _claim(job_id: str) -> Job | None:
    """The job whose turn it is, taken: this one, or an earlier deploy of the flow that still waits."""
    asked = Job.objects.select_related("flow").get(id=job_id)
    if asked.state != JobState.QUEUED:
        return None  # delivered twice: the first delivery has it
    fail_lost_jobs(flow=asked.flow)
    job = _first_in_line(asked)
    if job != asked:
        _come_back_for(asked)
    try:
        with transaction.atomic():
            taken = _take(job)
    except IntegrityError:
        taken = False
    if taken:
        job.refresh_from_db()
        return job
    if job == asked:
        _come_back_for(asked)
    return None


def _come_back_for(job: Job) -> None:
    enqueue(f"flows.{job.kind}", after_seconds=TURN_PAUSE, job_id=job.id)


def _first_in_line(job: Job) -> Job:
    if job.kind != JobKind.DEPLOY:
        return job
    waiting = Job.objects.filter(flow=job.flow_id, kind=JobKind.DEPLOY, state=JobState.QUEUED)
    return waiting.select_related("flow").order_by("created_at", "id").first() or job


def _take(job: Job) -> bool:
    """Raises IntegrityError while another deploy of the flow runs."""
    now = timezone.now()
    exclusive = job.flow_id if job.kind == JobKind.DEPLOY else None
    claim = {"state": JobState.RUNNING, "started_at": now, "heartbeat_at": now, "exclusive_key": exclusive}
    return bool(Job.objects.filter(id=job.id, state=JobState.QUEUED).update(**claim))


def fail_lost_jobs(*, flow: Flow) -> None:
    """Jobs of this flow whose worker no longer gives a sign of life end here, so that nothing waits for them."""
    for job in flow.jobs.silent():
        log.error("worker lost", job=job.id)
        end_job(job, state=JobState.FAILED, error=LOST, by=SYSTEM)


def end_job(
    job: Job,
    *,
    state: JobState,
    outcome: Outcome | None = None,
    error: dict[str, Any] | None = None,
    only: JobState | None = None,
    by: str = "",
) -> bool:
    """The last write to a job, with the rows that it leaves and its entries in the audit log (`by` ended it; else it came to
    its own end, in the name of who asked for it). False, and nothing is written, when the job has ended already (it was lost
    and found again, or called off), or is not in the state `only`."""
    outcome = outcome or Outcome()
    ending: dict[str, Any] = {
        "state": state, "result": without_nul(outcome.result),
        "error": without_nul(error or (outcome.error and _as_data(outcome.error))),
        "finished_at": timezone.now(), "sealed_token": None, "exclusive_key": None,
    }  # fmt: skip
    if outcome.rows:
        ending["progress"] = _with_step(job, "record", "done")  # the rows are written here, in this very transaction
    states = [only] if only else [JobState.QUEUED, JobState.RUNNING]
    recorded = _told(job, "record", _log) if outcome.rows else nullcontext()
    try:
        with recorded, transaction.atomic():
            if not Job.objects.filter(id=job.id, state__in=states).update(**ending):
                raise Overtaken
            _leave(job, outcome)
            _note_end(job, ending, by or job.requested_by)
    except Overtaken:
        return False
    JOBS.labels(job.kind, state).inc()
    log.info("job ended", job=job.id, kind=job.kind, state=state)
    return True


def _leave(job: Job, outcome: Outcome) -> None:
    for row in outcome.rows:
        _clean(row)
        row.save(force_insert=True)
    for entry in outcome.told:
        audit.record(
            tenant_id=job.flow.tenant_id, actor_id=job.requested_by, object_type="flow", object_id=job.flow_id, **entry
        )  # fmt: skip


def _note_end(job: Job, ending: dict[str, Any], by: str) -> None:
    """Of an error its name alone: what upstream said stands in the job."""
    detail = (ending["error"] or {}).get("detail")
    named = detail.get("error") if isinstance(detail, dict) else None
    told = {"error": named or ending["error"]["status"]} if ending["error"] else {}
    audit.record(
        action=JOB_ENDED, tenant_id=job.flow.tenant_id, actor_id=by, object_type="flow", object_id=job.flow_id,
        changes={"job": job.id, "kind": str(job.kind), "state": [str(job.state), str(ending["state"])], **told},
        result=audit.FAILED if ending["state"] == JobState.FAILED else audit.DONE,
    )  # fmt: skip


def _clean(row: models.Model) -> None:
    """What stands in it may be upstream's words."""
    for name, value in [*vars(row).items()]:
        setattr(row, name, without_nul(value))


def _as_data(error: AppError) -> dict[str, Any]:
    if isinstance(error, PassedThrough):
        return {"status": error.status, **_as_body(error.body), "headers": error.headers}
    return {"status": error.status, "detail": error.detail, "headers": error.headers}


def _as_body(raw: bytes) -> dict[str, str]:
    """To be read by people, and, because that may not be all of it, as it came."""
    return {"body": raw.decode("utf-8", "replace"), "body_base64": base64.b64encode(raw).decode()}


def _bug(job: Job, error: BaseException) -> dict[str, Any]:
    """What a stranger is told of a failure that is not in the error tree."""
    found = api.component_answer(error) if isinstance(error, DatabaseError) else None
    if found:
        return {"status": found.status, "detail": found.detail, "headers": found.headers}
    tracing.report(error)
    message = "something went wrong on our side; tell us the request id"
    return {"status": 500, "detail": {"error": "internal", "message": message, "request_id": job.request_id}}
