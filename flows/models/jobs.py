"""A job: long work on a flow, and all that is told about it while it runs and after."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from flows.models.flows import Flow
from flows.roles import JobKind, JobState
from scaiflow.kit.ids import job_id


class Job(models.Model):
    """`sealed_token` is the caller's bearer, encrypted and bound to this job, and null once the job has ended.
    `exclusive_key` is the flow's id while a deploy of it runs: the database lets no second one start."""

    id = models.CharField(primary_key=True, max_length=32, default=job_id)
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="jobs")
    kind = models.CharField(max_length=16, choices=JobKind.choices)
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.QUEUED)
    requested_by = models.CharField(max_length=128)
    arguments = models.JSONField(default=dict)
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

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_over(self) -> bool:
        return self.state in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}
