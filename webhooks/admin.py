from __future__ import annotations

from django.contrib import admin

from scaiflow.kit.pages import ReadOnly, one_of
from webhooks.handlers import APPLIED, HANDLERS, INCOMPLETE, STALE, UNKNOWN, WAITS
from webhooks.models import Delivery


@admin.register(Delivery)
class Deliveries(ReadOnly):
    history_type = "delivery"
    list_display = ("event_id", "type", "tenant_id", "occurred_at", "received_at", "handled", "outcome", "repeats")
    list_filter = ("handled", one_of("outcome", (APPLIED, WAITS, STALE, INCOMPLETE, UNKNOWN)), one_of("type", HANDLERS))
    search_fields = ("=event_id", "=tenant_id", "type")
    date_hierarchy = "received_at"
    ordering = ("-received_at", "-event_id")
