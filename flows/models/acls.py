"""Access entries of a flow: which level a user, or everybody in a group, holds on it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from flows.roles import Level, PrincipalType
from scaiflow.kit.ids import acl_id
from tenants.models import Membership
from tenants.principals import Principal


class FlowACLQuerySet(models.QuerySet["FlowACL"]):
    def granted_to(self, principal: Principal) -> FlowACLQuerySet:
        """Entries for the principal and for the groups that they are in."""
        groups = Membership.objects.of(user_id=principal.sub, tenant_id=principal.tenant_id).values("group_id")
        return self.filter(
            Q(principal_type=PrincipalType.USER, principal_id=principal.sub)
            | Q(principal_type=PrincipalType.GROUP, principal_id__in=groups)
        )


class FlowACL(models.Model):
    """Owners and admins need no entry, and no entry takes anything from them."""

    id = models.CharField(primary_key=True, max_length=32, default=acl_id)
    flow = models.ForeignKey("flows.Flow", on_delete=models.PROTECT, related_name="acls")
    principal_type = models.CharField(max_length=8, choices=PrincipalType.choices)
    principal_id = models.CharField(max_length=128)
    level = models.PositiveSmallIntegerField(choices=[(level.value, level.word) for level in Level])
    granted_by = models.CharField(max_length=128)
    granted_at = models.DateTimeField(default=timezone.now)

    objects = FlowACLQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["flow", "principal_type", "principal_id"], name="acl_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["principal_id", "principal_type", "flow"], name="acl_of_principal")
        ]

    def __str__(self) -> str:
        return f"{self.principal_type} {self.principal_id}: {Level(self.level).word} on {self.flow_id}"
