"""A flow: its names and its owner. What is drawn stands in object storage, one object a version."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import ClassVar

from django.db import models
from django.db.models import Max, OuterRef, Q, Subquery
from django.utils import timezone

from flows.models.acls import FlowACL
from flows.models.tags import FlowTag
from scaiflow.kit.ids import flow_id
from tenants.principals import Principal


def folded(text: str) -> str:
    """Text as it is compared: upper and lower case of all scripts, and the ways to write one character, made alike."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


class FlowQuerySet(models.QuerySet["Flow"]):
    def living(self) -> FlowQuerySet:
        return self.filter(deleted_at=None)

    def visible_to(self, principal: Principal) -> FlowQuerySet:
        """Their own flows and those that an access entry opens to them; all of the tenant's for its admins; all there are
        for super admins. Each row carries in `granted` what the entries give (None for nothing)."""
        if principal.is_super_admin:
            return self.with_granted(principal)
        mine = self.filter(tenant_id=principal.tenant_id)
        if not principal.is_admin_of(principal.tenant_id):
            opened = FlowACL.objects.granted_to(principal).values("flow_id")
            mine = mine.filter(Q(owner_id=principal.sub) | Q(id__in=opened))
        return mine.with_granted(principal)

    def with_granted(self, principal: Principal) -> FlowQuerySet:
        entries = FlowACL.objects.granted_to(principal).filter(flow=OuterRef("pk")).order_by()
        highest = entries.values("flow").annotate(highest=Max("level")).values("highest")
        return self.annotate(granted=Subquery(highest))

    def named_like(self, text: str) -> FlowQuerySet:
        return self.filter(name_folded__contains=text.casefold()) if text else self

    def mentioning(self, text: str) -> FlowQuerySet:
        """Every word of `text` stands somewhere in the name or the description, also inside of a longer word."""
        found = self
        for word in dict.fromkeys(folded(text).split()):
            found = found.filter(search_folded__contains=word)
        return found

    def tagged(self, tags: Iterable[str]) -> FlowQuerySet:
        """With all of `tags` (folded)."""
        found = self
        for tag in tags:
            found = found.filter(id__in=FlowTag.objects.filter(tag=tag).values("flow_id"))
        return found

    def without_search_text(self) -> FlowQuerySet:
        """For lists: what is only searched need not be fetched."""
        return self.defer("name_folded", "search_folded")


class Flow(models.Model):
    """`version` is the newest version's; `revision` counts every change, also of the name alone, and is the ETag."""

    id = models.CharField(primary_key=True, max_length=32, default=flow_id)
    tenant_id = models.CharField(max_length=64)
    owner_id = models.CharField(max_length=128)
    name = models.CharField(max_length=255)
    # Upper and lower case of all scripts: a database's own LIKE folds ASCII at best.
    name_folded = models.CharField(max_length=512)
    description = models.TextField(blank=True)
    # Name and description, folded: what a full-text search looks through.
    search_folded = models.TextField(blank=True, default="")
    tags = models.JSONField(default=list, blank=True)
    version = models.CharField(max_length=32)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)

    objects = FlowQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            # The owner stands at its end so that counting what somebody may see need not look at the rows themselves.
            models.Index(
                fields=["tenant_id", "-updated_at", "-id", "owner_id"], name="flow_newest", condition=Q(deleted_at=None)
            ),
            models.Index(fields=["owner_id", "-updated_at", "-id"], name="flow_of_owner", condition=Q(deleted_at=None)),
            models.Index(fields=["-updated_at", "-id"], name="flow_newest_of_all", condition=Q(deleted_at=None)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def etag(self) -> str:
        return f'"{self.revision}"'
