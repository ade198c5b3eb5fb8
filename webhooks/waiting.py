"""Events that are applied by asking ScaiKey anew: who may use the application has changed.

Asking takes its time, so the event is answered first. Its delivery says that it waits, so nothing is lost with a broker, a
worker or a ScaiKey that is down: the beat comes again until it is done.
"""

from __future__ import annotations

from collections import defaultdict

import structlog

from scaiflow.kit.errors import AppError
from tenants.operations.service_tokens import is_configured
from tenants.operations.sync import refresh_users
from webhooks.handlers import APPLIED
from webhooks.models import Delivery

log = structlog.get_logger(__name__)
AT_ONCE = 500


def apply_waiting() -> None:
    """Ask once for each tenant, whatever many events say so. What comes while we ask waits for the next time."""
    if not is_configured():
        return
    waiting = Delivery.objects.filter(waits_since__isnull=False).order_by("waits_since")
    events: dict[str, list[str]] = defaultdict(list)
    for event_id, tenant_id in waiting.values_list("event_id", "tenant_id")[:AT_ONCE]:
        events[tenant_id].append(event_id)
    for tenant_id, event_ids in events.items():
        if _refresh(tenant_id):
            Delivery.objects.filter(event_id__in=event_ids).update(waits_since=None, outcome=APPLIED)


def _refresh(tenant_id: str) -> bool:
    """False while a sweep is running or ScaiKey is away."""
    try:
        return refresh_users(tenant_id=tenant_id)
    except AppError as error:
        log.error("refresh failed", service="scaikey", error=error.message)
        return False
