"""Jobs that nobody works on any more: found by a beat, whoever it was that died."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from flows.models import Flow, Job
from flows.operations.working import fail_lost_jobs
from flows.roles import JobState
from scaiflow.kit.jobs import enqueue

log = structlog.get_logger(__name__)
FORGOTTEN_AFTER = timedelta(seconds=60)


def tend_jobs() -> None:
    """Ends the jobs whose worker is lost, and sends those on their way again whose message is. Sending one too many does no
    harm: a job is claimed once."""
    for flow in Flow.objects.filter(id__in=Job.objects.silent().values("flow_id")):
        fail_lost_jobs(flow=flow)
    long_ago = timezone.now() - FORGOTTEN_AFTER
    waits_for_its_turn = Exists(Job.objects.filter(exclusive_key=OuterRef("flow_id")))
    forgotten = Job.objects.filter(~waits_for_its_turn, state=JobState.QUEUED, created_at__lt=long_ago)
    for job in forgotten.filter(Q(sent_at=None) | Q(sent_at__lt=long_ago)):
        log.warning("job was forgotten", job=job.id)
        Job.objects.filter(id=job.id).update(sent_at=timezone.now())
        enqueue(f"flows.{job.kind}", job_id=job.id)
