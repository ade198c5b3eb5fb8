"""The Celery application: `celery -A scaiflow.celery worker`. Without Redis no worker is needed (see kit/jobs.py)."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import structlog
from celery import Celery
from celery.signals import beat_init, heartbeat_sent, setup_logging, task_prerun, worker_init
from django.conf import settings

from scaiflow.kit.alive import touch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scaiflow.settings")

app = Celery("scaiflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def refuse_unknown_keys(**_: Any) -> None:
    import_module("tenants.operations.start").refuse_unknown_keys()


def start_watching(sender: Any = None, **_: Any) -> None:
    """Traces, bug reports and, where a port is given, the worker's own counts."""
    import_module("scaiflow.kit.tracing").start("worker")
    if settings.WORKER_METRICS_PORT:
        host = os.environ.get("BIND", "0.0.0.0")  # noqa: S104  inside of a container, as for web (docker/gunicorn.py)
        import_module("prometheus_client").start_http_server(settings.WORKER_METRICS_PORT, addr=host)


def start_beat(**_: Any) -> None:
    import_module("scaiflow.kit.tracing").start("beat")


def keep_our_logging(**_: Any) -> None:
    """A receiver here keeps Celery from putting its own lines in the place of ours."""


def bind_request(task: Any = None, **_: Any) -> None:
    """Log lines of a task carry the id of the request that asked for it."""
    headers = getattr(task.request, "headers", None) or {}
    if request_id := headers.get("request_id"):
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)


def give_a_sign(**_: Any) -> None:
    touch("worker")


worker_init.connect(refuse_unknown_keys)
worker_init.connect(start_watching)
beat_init.connect(refuse_unknown_keys)
beat_init.connect(start_beat)
setup_logging.connect(keep_our_logging)
task_prerun.connect(bind_request)
heartbeat_sent.connect(give_a_sign)
