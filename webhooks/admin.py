from __future__ import annotations

from django.contrib import admin

from scaiflow.kit.pages import ReadOnly
from webhooks.models import Delivery


@admin.register(Delivery)
class Deliveries(ReadOnly):
    list_display = ("event_id", "type", "tenant_id", "occurred_at", "received_at", "handled", "outcome", "repeats")
    list_filter = ("handled", "type")
    search_fields = ("event_id", "tenant_id")
