"""What is not kept for ever goes, once a day: webhook deliveries, jobs that are over, sessions. And what is kept for ever,
the audit log, is written out as objects, a day of a tenant in each, for whoever must hold it outside of the database.

Versions, deployments and test runs are the product's memory and stay. Presence goes by itself, and the sync log is
compacted where it is written. What goes stands in the audit log of its tenant, by its kind and number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from flows.actions import JOBS_FORGOTTEN
from flows.models import Job
from flows.roles import JobState
from scaiflow.kit import audit, storage
from scaiflow.kit.models import AuditEntry
from tenants.actions import SESSIONS_FORGOTTEN, SYSTEM
from webhooks.actions import DELIVERIES_FORGOTTEN
from webhooks.models import Delivery

log = structlog.get_logger(__name__)
BATCH = 1000
OVER = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class Old:
    """What goes. `tenant` is the field that tells whose it is; sessions are nobody's (they are sealed, and have ended)."""

    rows: QuerySet[Any]
    kind: str
    action: str
    tenant: str | None


def keep_house(*, breathe: Callable[[], object] = lambda: None) -> dict[str, int]:
    """`{deliveries, jobs, sessions, audit_days}`: how many went, and how many days were written out. Twice does no harm.
    `breathe` is called between two steps, because it may take long. Raises Unavailable."""
    now = timezone.now()
    deliveries = Delivery.objects.filter(received_at__lt=now - _kept("deliveries"))
    jobs = Job.objects.filter(state__in=OVER, finished_at__lt=now - _kept("jobs"))
    sessions = Session.objects.filter(expire_date__lt=now)
    old = {
        "deliveries": Old(deliveries, "delivery", DELIVERIES_FORGOTTEN, "tenant_id"),
        "jobs": Old(jobs, "job", JOBS_FORGOTTEN, "flow__tenant_id"),
        "sessions": Old(sessions, "session", SESSIONS_FORGOTTEN, None),
    }
    counts = {name: _counted(_forget(kind), breathe) for name, kind in old.items()}
    counts["audit_days"] = _counted(_export(now), breathe) if settings.AUDIT_EXPORT else 0
    log.info("house kept", **counts)
    return counts


def _kept(what: str) -> timedelta:
    """0 days is for ever."""
    return timedelta(days=settings.RETENTION_DAYS[what] or 365 * 1000)


def _counted(steps: Iterator[int], breathe: Callable[[], object]) -> int:
    total = 0
    for step in steps:
        total += step
        breathe()
    return total


def _forget(old: Old) -> Iterator[int]:
    """Tenant by tenant, and a thousand at a time, so that no transaction is long. Each has its entry in the audit log."""
    found = old.rows.order_by().values_list(old.tenant, flat=True).distinct() if old.tenant else [""]
    for tenant in list(found):
        rows = old.rows.filter(**{old.tenant: tenant}) if old.tenant else old.rows
        while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
            yield _remove(old, tenant, keys)


def _remove(old: Old, tenant: str, keys: list[Any]) -> int:
    with transaction.atomic():
        old.rows.model._base_manager.filter(pk__in=keys).delete()  # noqa: SLF001
        audit.record(
            action=old.action, tenant_id=tenant, actor_id=SYSTEM, object_type=old.kind, object_id="",
            changes={"removed": len(keys)},
        )  # fmt: skip
    return len(keys)


def _export(now: datetime) -> Iterator[int]:
    """1 for each object that was written: yesterday's, and any of the six days before that is still missing."""
    for back in range(1, 8):
        day = (now - timedelta(days=back)).astimezone(UTC).date()
        start = datetime.combine(day, time(), UTC)
        entries = AuditEntry.objects.filter(at__gte=start, at__lt=start + timedelta(days=1))
        for tenant in entries.order_by().values_list("tenant_id", flat=True).distinct():
            key = f"audit/{tenant or 'none'}/{day:%Y-%m-%d}.jsonl"
            lines = entries.filter(tenant_id=tenant).order_by("sequence").values().iterator(chunk_size=BATCH)
            body = b"".join(json.dumps(line, cls=DjangoJSONEncoder, sort_keys=True).encode() + b"\n" for line in lines)
            try:
                storage.create(key, body)
                yield 1
            except storage.ObjectTaken:
                yield 0
