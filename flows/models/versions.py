"""A version: one immutable object in storage, and who put it there."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from flows.models.flows import Flow


class FlowVersionQuerySet(models.QuerySet["FlowVersion"]):
    def newest_first(self) -> FlowVersionQuerySet:
        return self.order_by("-sequence")


class FlowVersion(models.Model):
    """The row exists only when its object does: the object is written first. `digest` is the object's SHA-256."""

    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=32)
    sequence = models.PositiveIntegerField()
    object_key = models.CharField(max_length=255, unique=True)
    digest = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    author_id = models.CharField(max_length=128)
    label = models.CharField(max_length=100, null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = FlowVersionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["flow", "version"], name="version_once"),
            models.UniqueConstraint(fields=["flow", "sequence"], name="version_sequence_once"),
        ]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.version}"
