"""Jobs, from the side of those who ask for them: started, waited for, called off, told of.

The caller's token rests sealed in the job's row while the job lives, so it never goes through the broker, and is gone from
the database when the job ends. What works on them: working.py.
"""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from flows.actions import JOB_CANCELLED, JOB_STARTED
from flows.models import Flow, Job
from flows.operations.working import end_job, fail_lost_jobs
from flows.roles import JobKind, JobState
from scaiflow.kit import audit, crypto, json
from scaiflow.kit.database import let_go
from scaiflow.kit.errors import AppError, Conflict, PassedThrough, Unprocessable
from scaiflow.kit.jobs import enqueue
from tenants.principals import Principal

NOT_SENT = {
    "status": 503,
    "detail": {"error": "unavailable", "message": "the broker does not answer; try again", "component": "broker"},
}


class JobFailed(AppError):
    """What the job failed with, told again to the one who waits for it."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__("the job failed", headers=error.get("headers"))
        self.status = error["status"]
        self._detail = error["detail"]

    @property
    def detail(self) -> Any:
        return self._detail


class AlreadyOver(Conflict):
    """There is nothing left to call off."""


def start_job(
    *, flow: Flow, by: Principal, kind: JobKind, arguments: dict[str, Any], idempotency_key: str | None = None
) -> Job:
    """The job, on its way, for the flow's newest version unless `arguments` name one; the job that is there already when
    this request was sent before.

    Raises Unprocessable (the key was used for another request), kombu's OperationalError when the broker is down (the job is
    then over before it began)."""
    digest = hashlib.sha256(json.dumps(arguments)).hexdigest()
    asked = {"flow": flow, "requested_by": by.sub, "kind": kind, "idempotency_key": idempotency_key}
    if idempotency_key and (job := _same_request(asked, digest)):
        return job
    job = Job(**asked, arguments={"version": flow.version, **arguments}, arguments_digest=digest)
    job.sent_at = job.created_at
    job.request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    job.sealed_token = crypto.seal(by.token, bound_to=job.id) if by.token else None
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            _log(JOB_STARTED, job, by)
    except IntegrityError:
        winner = _same_request(asked, digest)  # the same request at the same moment
        if winner is None:
            raise
        return winner
    _enqueue(job)
    return job


def _same_request(asked: dict[str, Any], digest: str) -> Job | None:
    job = Job.objects.filter(**asked).first()
    if job and job.arguments_digest != digest:
        message = "this Idempotency-Key was used for a request with another body"
        raise Unprocessable.at("header", "Idempotency-Key", msg=message, type="idempotency_key_reused")
    return job


def _log(action: str, job: Job, by: Principal) -> None:
    audit.record(
        action=action, tenant_id=job.flow.tenant_id, actor_id=by.sub, object_type="flow", object_id=job.flow_id,
        changes={"job": job.id, "kind": str(job.kind)},
    )  # fmt: skip


def _enqueue(job: Job) -> None:
    try:
        enqueue(f"flows.{job.kind}", job_id=job.id)
    except BaseException:
        end_job(job, state=JobState.FAILED, error=NOT_SENT)
        # Whoever sends the request again means to have it done, not to be told of this failure again.
        Job.objects.filter(id=job.id).update(idempotency_key=None)
        raise


def cancel_job(*, job: Job, by: Principal) -> Job:
    """A queued job ends at once; a running one before its next step that can still be left out. Raises AlreadyOver."""
    if job.is_over:
        raise AlreadyOver(f"the job is over: {job.state}")
    with transaction.atomic():
        ended = end_job(job, state=JobState.CANCELLED, only=JobState.QUEUED, by=by.sub)
        running = Job.objects.filter(id=job.id, state=JobState.RUNNING)
        if not ended and not running.update(cancel_asked_at=timezone.now()):
            raise AlreadyOver("the job is over")  # it ended between the look and the lock
        _log(JOB_CANCELLED, job, by)
    job.refresh_from_db()
    return job


def wait_for(*, job: Job, seconds: float) -> Job:
    """The job as it is when it is over, or when the time is."""
    deadline, pause = time.monotonic() + seconds, 0.01
    while not job.is_over and time.monotonic() < deadline:
        let_go()
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
        job.refresh_from_db()
        end_if_lost(job)
    return job


def end_if_lost(job: Job) -> Job:
    """Whoever looks at a job whose worker is dead need not wait for the beat to find that out."""
    if job.is_silent:
        fail_lost_jobs(flow=job.flow)
        job.refresh_from_db()
    return job


def outcome_of(job: Job) -> dict[str, Any]:
    """The result of a job that is over. Raises JobFailed, PassedThrough, Conflict when it was called off."""
    if job.state == JobState.CANCELLED:
        raise Conflict("the job was cancelled")
    if job.error is None:
        return dict(job.result or {})
    if "body" in job.error:
        raise PassedThrough(status=job.error["status"], body=_body_of(job.error), headers=job.error["headers"])
    raise JobFailed(job.error)


def _body_of(error: dict[str, Any]) -> bytes:
    """As it came; jobs from before it was kept so have only its text."""
    kept = error.get("body_base64")
    return str(error["body"]).encode() if kept is None else base64.b64decode(kept)
