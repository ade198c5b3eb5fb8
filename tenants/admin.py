"""The mirror, to look at. Secrets have no page."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group as DjangoGroup

from scaiflow.kit.pages import ReadOnly
from tenants.models import Group, Membership, User

admin.site.unregister(DjangoGroup)  # rights do not come from there


@admin.register(User)
class Users(ReadOnly):
    list_display = (
        "id",
        "tenant_id",
        "email",
        "display_name",
        "status",
        "admin_role",
        "admin_role_source",
        "deleted_at",
    )
    list_filter = ("status", "admin_role")
    search_fields = ("id", "email", "display_name", "tenant_id")


@admin.register(Group)
class Groups(ReadOnly):
    list_display = ("id", "tenant_id", "name", "deleted_at", "last_synced_at")
    search_fields = ("id", "name", "tenant_id")


@admin.register(Membership)
class Memberships(ReadOnly):
    list_display = ("group_id", "user_id", "tenant_id", "deleted_at")
    fields = ("group_id", "user_id", "tenant_id", "deleted_at", "source_at")
    search_fields = ("group_id", "user_id")
