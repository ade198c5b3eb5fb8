"""A job: long work on a flow, and all that is told about it while it runs and after."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from flows.models.flows import Flow
from flows.roles import JobKind, JobState
from scaiflow.kit.ids import job_id


class JobQuerySet(models.QuerySet["Job"]):
    def newest_first(self) -> JobQuerySet:
        return self.order_by("-created_at", "-id")


class Job(models.Model):
    """`sealed_token` is the caller's bearer, encrypted and bound to this job, and null once the job has ended.
    `exclusive_key` is the flow's id while a deploy of it runs: the database lets no second one start."""

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
