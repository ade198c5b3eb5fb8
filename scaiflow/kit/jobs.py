"""Where a Celery task runs: on a worker when there is a broker, on a thread of this process when there is none.

Both ways run the same task function with the same arguments; nothing above this module knows the difference.
"""

from __future__ import annotations

import contextvars
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import kombu.exceptions
import structlog
from celery import current_app
from django.conf import settings
from django.db import connections

log = structlog.get_logger(__name__)
THREADS = 16  # they wait for upstreams most of the time
_pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="job")


def enqueue(task: str, *, after_seconds: float = 0, **arguments: Any) -> None:
    """Run the task named `task` soon. Call it after the transaction that wrote its row.

    Raises kombu's OperationalError when the broker is down (the one mapping tells it as 503)."""
    if settings.REDIS_URL:
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        headers = {"request_id": request_id} if request_id else None
        current_app.send_task(task, kwargs=arguments, countdown=after_seconds or None, headers=headers)
    elif after_seconds:
        later = contextvars.copy_context().run
        timer = threading.Timer(after_seconds, later, args=(_submit, task, arguments))
        timer.daemon = True
        timer.start()
    else:
        _submit(task, arguments)


def remind(task: str) -> None:
    """`enqueue`, for what a beat does in any case: a broker that is down is no failure, but a line in the log."""
    try:
        enqueue(task)
    except kombu.exceptions.OperationalError:
        log.warning("broker down; the beat will do it", task=task)


def _submit(task: str, arguments: dict[str, Any]) -> None:
    """In a copy of this context, so that its log lines and its trace are those of the request."""
    _pool.submit(contextvars.copy_context().run, _run_here, task, arguments).add_done_callback(_tell)


def _tell(done: Future[None]) -> None:
    """Nobody waits for the future, so a failure of the running itself would be lost without this line."""
    if error := done.exception():
        log.error("task could not be run", error=repr(error))


def _run_here(task: str, arguments: dict[str, Any]) -> None:
    try:
        result = current_app.tasks[task].apply(kwargs=arguments)
        if result.failed():
            log.error("task failed", task=task, error=type(result.result).__name__, trace=result.traceback)
    finally:
        connections.close_all()
