"""The Celery application: `celery -A scaiflow.celery worker`. Without Redis no worker is needed (see kit/jobs.py)."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scaiflow.settings")

app = Celery("scaiflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def refuse_unknown_keys(**_: Any) -> None:
    import_module("tenants.operations.start").refuse_unknown_keys()


worker_init.connect(refuse_unknown_keys)
