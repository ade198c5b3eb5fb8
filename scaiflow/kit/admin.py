from __future__ import annotations

from django.contrib import admin

from scaiflow.kit.audit import ACTIONS, DONE, FAILED, REFUSED
from scaiflow.kit.models import AuditChain, AuditEntry, Lease
from scaiflow.kit.pages import ReadOnly, one_of


@admin.register(AuditEntry)
class AuditEntries(ReadOnly):
    history_type = "audit"
    list_display = ("at", "tenant_id", "actor_id", "action", "object_type", "object_id", "result")
    list_filter = (one_of("result", (DONE, REFUSED, FAILED)), one_of("action", ACTIONS))
    search_fields = ("=id", "=tenant_id", "=actor_id", "=object_id", "=request_id")
    date_hierarchy = "at"
    ordering = ("-at", "-id")


@admin.register(AuditChain)
class AuditChains(ReadOnly):
    history_type = "audit"
    list_display = ("tenant_id", "sequence", "digest")
    search_fields = ("=tenant_id",)
    ordering = ("tenant_id",)


@admin.register(Lease)
class Leases(ReadOnly):
    tenant_path = ""
    list_display = ("name", "held_until", "last_done_at")
    secret_fields = ("holder",)
    ordering = ("name",)
