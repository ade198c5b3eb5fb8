from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from scaiflow.kit.models import AuditEntry
from scaiflow.kit.shapes import Flag, Text
from tenants.models import User
from tenants.roles import AdminRole


class SyncIn(serializers.Serializer):
    force = Flag(required=False, default=False)


class RoleIn(serializers.Serializer):
    role = Text(max_length=32, told={"enum": AdminRole.values})

    def validate_role(self, value: str) -> AdminRole:
        if value not in AdminRole.values:
            raise serializers.ValidationError("Input should be 'tenant_admin' or 'super_admin'", code="literal_error")
        return AdminRole(value)


class UserOut(serializers.ModelSerializer):
    class Meta:
        model = User
        fields: ClassVar[list[str]] = [
            "id", "tenant_id", "email", "display_name", "status", "admin_role", "admin_role_source", "deleted_at",
            "last_synced_at",
        ]  # fmt: skip


class TenantQueryIn(serializers.Serializer):
    tenant_id = Text(max_length=64, required=False, default="")


class AuditQueryIn(serializers.Serializer):
    """Every filter is an exact match; `since` and `until` bound the time, both included."""

    tenant_id = Text(max_length=64, required=False, default="")
    actor_id = Text(max_length=128, required=False, default="")
    action = Text(max_length=64, required=False, default="")
    object_type = Text(max_length=64, required=False, default="")
    object_id = Text(max_length=512, required=False, default="")
    result = Text(max_length=16, required=False, default="")
    request_id = Text(max_length=128, required=False, default="")
    since = serializers.DateTimeField(required=False, default=None)
    until = serializers.DateTimeField(required=False, default=None)
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    cursor = Text(max_length=512, required=False, allow_blank=True, default="")


class AuditOut(serializers.ModelSerializer):
    sequence = serializers.IntegerField(min_value=0)  # a model's own bounds are those of the database in use

    class Meta:
        model = AuditEntry
        fields: ClassVar[list[str]] = [
            "id", "tenant_id", "sequence", "at", "actor_id", "action", "object_type", "object_id", "result",
            "request_id", "changes", "previous", "digest",
        ]  # fmt: skip


class UsersOut(serializers.Serializer):
    users = UserOut(many=True)


class AuditListOut(serializers.Serializer):
    items = AuditOut(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class SyncOut(serializers.Serializer):
    """The report of a sweep."""

    skipped_reason = serializers.ChoiceField(["not_configured", "running", "shrunk"], allow_null=True)
    users_method = serializers.ChoiceField(["effective_users", "member_walk"])
    users_seen = serializers.IntegerField()
    users_added = serializers.IntegerField()
    users_undeleted = serializers.IntegerField()
    users_soft_deleted = serializers.IntegerField()
    groups_seen = serializers.IntegerField()
    groups_added = serializers.IntegerField()
    groups_undeleted = serializers.IntegerField()
    groups_soft_deleted = serializers.IntegerField()
    memberships_seen = serializers.IntegerField()
    memberships_added = serializers.IntegerField()
    memberships_soft_deleted = serializers.IntegerField()
    super_admin_count = serializers.IntegerField()
    super_admins_group_promoted = serializers.IntegerField()
    super_admins_group_demoted = serializers.IntegerField()
    duration_seconds = serializers.FloatField()
