"""A running job's sign of life: its row is touched every few seconds for as long as the work goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import DatabaseError, connections
from django.utils import timezone

from flows.models import Job
from flows.roles import JobState

log = structlog.get_logger(__name__)
EVERY_SECONDS = 5.0


@contextmanager
def beating(job: Job) -> Iterator[None]:
    over = threading.Event()
    heart = threading.Thread(target=_beat, args=(job.id, over), name=f"heartbeat-{job.id}", daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()


def _beat(job_id: str, over: threading.Event) -> None:
    while not over.wait(EVERY_SECONDS):
        try:
            Job.objects.filter(id=job_id, state=JobState.RUNNING).update(heartbeat_at=timezone.now())
        except DatabaseError as error:
            log.warning("heartbeat missed", job=job_id, error=type(error).__name__)
        finally:
            connections.close_all()
