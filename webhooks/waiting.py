"""Events that are applied by asking ScaiKey anew: who may use the application has changed.

Asking takes its time, so the event is answered first. Its delivery says that it waits, so nothing is lost with a broker, a
worker or a ScaiKey that is down: the beat comes again until it is done.
"""

from __future__ import annotations

import structlog

from scaiflow.kit.errors import AppError
from tenants.operations.service_tokens import is_configured
from tenants.operations.sync import refresh_users
from webhooks.handlers import APPLIED
from webhooks.models import Delivery

log = structlog.get_logger(__name__)
AT_ONCE = 500  # of a tenant, so that none whose turn always fails holds up the others


def apply_waiting() -> None:
    """Ask once for each tenant, whatever many events say so. What comes while we ask waits for the next time."""
    if not is_configured():
        return
    waiting = Delivery.objects.filter(waits_since__isnull=False)
    for tenant_id in list(waiting.order_by().values_list("tenant_id", flat=True).distinct()):
        event_ids = list(waiting.filter(tenant_id=tenant_id).values_list("event_id", flat=True)[:AT_ONCE])
        if _refresh(tenant_id):
            Delivery.objects.filter(event_id__in=event_ids).update(waits_since=None, outcome=APPLIED)


def _refresh(tenant_id: str) -> bool:
    """False while a sweep is running or ScaiKey is away."""
    try:
        return refresh_users(tenant_id=tenant_id)
    except AppError as error:
        log.error("refresh failed", service="scaikey", error=error.message)
        return False
