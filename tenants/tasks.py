"""Celery tasks: each makes one call."""

from __future__ import annotations

from typing import Any

import structlog
from celery import shared_task

from scaiflow.kit.errors import AppError
from scaiflow.kit.jobs import enqueue
from tenants.operations.sync import refresh_users, sync

log = structlog.get_logger(__name__)
TRIES, PAUSE = 20, 15.0


@shared_task(name="tenants.sync")
def sync_mirror(**_: Any) -> None:
    """The hourly sweep. A ScaiKey that does not answer is a line in the log; the next sweep comes."""
    try:
        sync()
    except AppError as error:
        log.error("sync failed", service="scaikey", error=error.message)


@shared_task(name="tenants.refresh_users")
def refresh_tenant_users(*, tenant_id: str, tries: int = TRIES, **_: Any) -> None:
    """What web processes of the release before send (today's: webhooks/tasks.py). Again after a pause while a sweep is
    running or ScaiKey is away; after that the hourly sweep heals it."""
    try:
        done = refresh_users(tenant_id=tenant_id)
    except AppError as error:
        log.error("refresh failed", service="scaikey", error=error.message)
        done = False
    if not done and tries > 1:
        enqueue("tenants.refresh_users", after_seconds=PAUSE, tenant_id=tenant_id, tries=tries - 1)
