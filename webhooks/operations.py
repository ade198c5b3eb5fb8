"""An event received: applied once, whoever delivers it how often, and kept with what became of it."""

from __future__ import annotations

import time

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from scaiflow.kit import json
from scaiflow.kit.errors import AppError, Unavailable, Unprocessable
from scaiflow.kit.jobs import remind
from scaiflow.kit.logs import redact
from tenants.operations.admin_roles import require_tenant_admin
from tenants.operations.people import tenant_of_interest
from tenants.principals import SANE_ID, Principal
from webhooks import signature
from webhooks.events import BadEvent, Event, read_event
from webhooks.handlers import APPLIED, WAITS, handle
from webhooks.models import Delivery


class NotScaiKey(AppError):
    """A bad, missing or stale signature."""

    status = 400


def receive(*, raw: bytes, header: str, timestamp: str) -> bool:
    """Whether the event was handled. Raises Unavailable (no secret is configured), NotScaiKey, Unprocessable."""
    secrets = settings.SCAIKEY_WEBHOOK_SECRETS
    if not secrets:
        raise Unavailable("webhooks are not configured: set SCAIFLOW_SCAIKEY_WEBHOOK_SECRET", component="webhooks")
    try:
        signed_at = signature.check(raw=raw, signature=header, timestamp=timestamp, secrets=secrets, now=time.time())
    except signature.BadSignature as error:
        raise NotScaiKey(str(error)) from None
    return _apply_once(_read(raw, signed_at))


def deliveries(
    *, by: Principal, tenant_id: str = "", type: str = "", handled: bool | None = None
) -> QuerySet[Delivery]:
    """What was delivered: of their own tenant for its admins, of all (or the one that is named) for super admins. Raises
    NotAllowed."""
    require_tenant_admin(by)
    found = Delivery.objects.all()
    if not by.is_super_admin or tenant_id:
        found = found.filter(tenant_id=tenant_of_interest(by, tenant_id))
    if type:
        found = found.filter(type=type)
    return found if handled is None else found.filter(handled=handled)


def _read(raw: bytes, signed_at: int) -> Event:
    try:
        event = read_event(json.loads(raw), signed_at=signed_at)
    except (json.BadJSON, BadEvent) as error:
        raise Unprocessable.at("body", msg=str(error), type="event_invalid") from None
    if event.tenant_id and not SANE_ID.fullmatch(event.tenant_id):
        raise Unprocessable.at("body", "tenant_id", msg="not a tenant id", type="event_invalid")
    return event


def _apply_once(event: Event) -> bool:
    """Again, a few times, when another event made the same object at the same moment."""
    for tries_left in (2, 1, 0):
        try:
            return _apply(event)
        except IntegrityError:
            known = Delivery.objects.filter(event_id=event.id)
            if known.update(repeats=F("repeats") + 1):
                return known.get().handled
            if not tries_left:
                raise
    return False


def _apply(event: Event) -> bool:
    """The delivery's row goes in first: a second delivery at the same moment waits for it, and then finds it there."""
    with transaction.atomic():
        delivery = Delivery.objects.create(
            event_id=event.id, type=event.type, tenant_id=event.tenant_id, occurred_at=event.at, handled=False,
            about=redact(event.about),
        )  # fmt: skip
        delivery.outcome = handle(event)
        delivery.handled = delivery.outcome in {APPLIED, WAITS}
        if delivery.outcome == WAITS:
            delivery.waits_since = delivery.received_at
            transaction.on_commit(lambda: remind("webhooks.apply_waiting"))
        delivery.save()
    return delivery.handled
