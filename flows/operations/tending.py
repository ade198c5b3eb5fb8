"""Jobs that nobody works on any more: found by a beat, whoever it was that died."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db.models import Exists, OuterRef
from django.utils import timezone

from flows.models import Flow, Job
from flows.operations.working import LOST_AFTER, fail_lost_jobs
from flows.roles import JobState
from scaiflow.kit.jobs import enqueue

log = structlog.get_logger(__name__)
FORGOTTEN_AFTER = timedelta(seconds=60)


def tend_jobs() -> None:
    """Ends the jobs whose worker is lost, and sends those on their way again whose message is. Sending one too many does no
    harm: a job is claimed once."""
    now = timezone.now()
    silent = Job.objects.filter(state=JobState.RUNNING, heartbeat_at__lt=now - LOST_AFTER)
    for flow in Flow.objects.filter(id__in=silent.values("flow_id")):
        fail_lost_jobs(flow=flow)
    waits_for_its_turn = Exists(Job.objects.filter(exclusive_key=OuterRef("flow_id")))
    forgotten = Job.objects.filter(~waits_for_its_turn, state=JobState.QUEUED, created_at__lt=now - FORGOTTEN_AFTER)
    for job in forgotten:
        log.warning("job was forgotten", job=job.id)
        enqueue(f"flows.{job.kind}", job_id=job.id)
