"""The beat of installations without Redis: one thread of the web process sends what CELERY_BEAT_SCHEDULE names.

With Redis it does nothing: `celery -A scaiflow.celery beat` does it. Several web processes may each have such a thread:
what is sent twice at once is held back by its lease.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog
from celery import current_app
from django.conf import settings

from scaiflow.kit.jobs import enqueue

log = structlog.get_logger(__name__)
FIRST_AFTER = timedelta(seconds=20)


class Beat:
    """`first_after` the start, and then in its own interval, every task is sent."""

    def __init__(self, *, first_after: timedelta = FIRST_AFTER) -> None:
        self.first_after = first_after
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        if settings.REDIS_URL:
            return
        current_app.loader.import_default_modules()
        current_app.finalize()  # now, not when the first task is due: it takes 100 ms, in which nobody is answered
        for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
            thread = threading.Thread(target=self._run, args=(entry["task"], entry["schedule"]), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, task: str, interval: timedelta) -> None:
        wait = self.first_after
        while not self._over.wait(wait.total_seconds()):
            log.info("beat", task=task)
            enqueue(task)
            wait = interval
