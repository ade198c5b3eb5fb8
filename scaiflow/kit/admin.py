from __future__ import annotations

from django.contrib import admin

from scaiflow.kit.models import AuditEntry
from scaiflow.kit.pages import ReadOnly


@admin.register(AuditEntry)
class AuditEntries(ReadOnly):
    list_display = ("at", "tenant_id", "actor_id", "action", "object_type", "object_id", "result")
    list_filter = ("action", "result")
    search_fields = ("actor_id", "object_id", "request_id")
    ordering = ("-at", "-id")
