"""What a flow is at ScaiGrid: its Core, known by the slug that it was asked for under."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from flows.models.flows import Flow


class Core(models.Model):
    """Written before the Core is asked for, so that a retry after a crash looks for that one (under the slug that it had
    then) instead of making a second. The database gives a slug of a tenant to one flow: two of one name share no Core.
    `core_id` is null until ScaiGrid has told it."""

    flow = models.OneToOneField(Flow, primary_key=True, on_delete=models.PROTECT, related_name="core")
    tenant_id = models.CharField(max_length=64)
    slug = models.CharField(max_length=700)
    core_id = models.CharField(max_length=128, null=True, db_index=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["tenant_id", "slug"], name="core_slug_once")
        ]

    def __str__(self) -> str:
        return f"{self.slug}: {self.core_id}"
