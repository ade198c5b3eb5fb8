"""The Celery application: `celery -A scaiflow.celery worker`. Without Redis no worker is needed (see kit/jobs.py)."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scaiflow.settings")

app = Celery("scaiflow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
