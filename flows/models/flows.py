"""A flow: its names and its owner. What is drawn stands in object storage, one object a version."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from scaiflow.kit.ids import flow_id
from tenants.principals import Principal


class FlowQuerySet(models.QuerySet["Flow"]):
    def living(self) -> FlowQuerySet:
        return self.filter(deleted_at=None)

    def visible_to(self, principal: Principal) -> FlowQuerySet:
        """Their own flows; all of the tenant's for its admins; all there are for super admins."""
        if principal.is_super_admin:
            return self
        mine = self.filter(tenant_id=principal.tenant_id)
        return mine if principal.is_admin_of(principal.tenant_id) else mine.filter(owner_id=principal.sub)

    def named_like(self, text: str) -> FlowQuerySet:
        return self.filter(name_folded__contains=text.casefold()) if text else self


class Flow(models.Model):
    """`version` is the newest version's; `revision` counts every change, also of the name alone, and is the ETag."""

    id = models.CharField(primary_key=True, max_length=32, default=flow_id)
    tenant_id = models.CharField(max_length=64)
    owner_id = models.CharField(max_length=128)
    name = models.CharField(max_length=255)
    # Upper and lower case of all scripts: a database's own LIKE folds ASCII at best.
    name_folded = models.CharField(max_length=512)
    description = models.TextField(blank=True)
    version = models.CharField(max_length=32)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)

    objects = FlowQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["tenant_id", "-updated_at", "-id"], name="flow_newest", condition=Q(deleted_at=None)),
            models.Index(fields=["owner_id", "-updated_at", "-id"], name="flow_of_owner", condition=Q(deleted_at=None)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def etag(self) -> str:
        return f'"{self.revision}"'
