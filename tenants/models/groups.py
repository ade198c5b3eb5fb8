"""The mirror of ScaiKey's groups, and who is in them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tenants.models.users import User


class GroupQuerySet(models.QuerySet["Group"]):
    def living(self) -> GroupQuerySet:
        return self.filter(deleted_at=None)


class Group(models.Model):
    """`source_at` is the time of what ScaiKey last told: an event from before it is not applied."""

    id = models.CharField(primary_key=True, max_length=128)
    tenant_id = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=255, blank=True)
    deleted_at = models.DateTimeField(null=True)
    source_at = models.DateTimeField(null=True)
    last_synced_at = models.DateTimeField(null=True)

    objects = GroupQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name or self.id


class MembershipQuerySet(models.QuerySet["Membership"]):
    def living(self) -> MembershipQuerySet:
        """Those that count: neither they nor their group have ended."""
        return self.filter(deleted_at=None, group__deleted_at=None)

    def of(self, *, user_id: str, tenant_id: str) -> MembershipQuerySet:
        """A membership counts in the tenant of its group alone, whoever claims the user's id elsewhere."""
        return self.living().filter(user_id=user_id, tenant_id=tenant_id, group__tenant_id=tenant_id)


class Membership(models.Model):
    """The database does not insist on the user and the group: ScaiKey may tell of a membership before it tells of them."""

    group = models.ForeignKey(Group, on_delete=models.DO_NOTHING, db_constraint=False, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.DO_NOTHING, db_constraint=False, related_name="memberships")
    tenant_id = models.CharField(max_length=64, db_index=True)
    deleted_at = models.DateTimeField(null=True)
    source_at = models.DateTimeField(null=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["group", "user"], name="membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"
