"""A job: long work on a flow, and all that is told about it while it runs and after."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.utils import timezone

from flows.models.flows import Flow
from flows.roles import JobKind, JobState
from scaiflow.kit.ids import job_id

LOST_AFTER = timedelta(seconds=30)  # of the 60 s in which a lost job must have ended; six signs of life were missed


class JobQuerySet(models.QuerySet["Job"]):
    def newest_first(self) -> JobQuerySet:
        return self.order_by("-created_at", "-id")

    def silent(self) -> JobQuerySet:
        """Those that run, as far as anybody knows, and have given no sign of life for too long."""
        return self.filter(state=JobState.RUNNING, heartbeat_at__lt=timezone.now() - LOST_AFTER)


class Job(models.Model):
    """`sealed_token` is the caller's bearer, encrypted and bound to this job, and null once the job has ended.
    `exclusive_key` is the flow's id while a deploy of it runs: the database lets no second one start.
    `sent_at` is when a message for it was last sent: one that nobody takes up is sent again (operations/tending.py)."""

    id = models.CharField(primary_key=True, max_length=32, default=job_id)
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="jobs")
    kind = models.CharField(max_length=16, choices=JobKind.choices)
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    requested_by = models.CharField(max_length=128)
    arguments = models.JSONField(default=dict)
    arguments_digest = models.CharField(max_length=64, default="")
    idempotency_key = models.CharField(max_length=255, null=True)
    progress = models.JSONField(default=list)
    result = models.JSONField(null=True)
    error = models.JSONField(null=True)
    sealed_token = models.TextField(null=True)
    exclusive_key = models.CharField(max_length=32, null=True, unique=True)
    request_id = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_asked_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # A missing key is no key: nulls never equal each other here, on any of our databases.
            models.UniqueConstraint(fields=["flow", "requested_by", "kind", "idempotency_key"], name="job_asked_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["flow", "-created_at"], name="job_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_over(self) -> bool:
        return self.state in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}

    @property
    def is_silent(self) -> bool:
        beat_at = self.heartbeat_at
        return self.state == JobState.RUNNING and beat_at is not None and beat_at < timezone.now() - LOST_AFTER
