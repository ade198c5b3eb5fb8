"""Celery tasks: each makes one call."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from webhooks.waiting import apply_waiting


@shared_task(name="webhooks.apply_waiting")
def apply_waiting_events(**_: Any) -> None:
    apply_waiting()
