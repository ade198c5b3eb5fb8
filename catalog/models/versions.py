"""A version of a package: one immutable file in storage, who published it, and from which flow."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from catalog.models.packages import Package


class PackageVersionQuerySet(models.QuerySet["PackageVersion"]):
    def newest_first(self) -> PackageVersionQuerySet:
        return self.order_by("-sequence")


class PackageVersion(models.Model):
    """The row exists only when its object does: the object is written first. `digest` is the file's SHA-256, in hex.
    `flow_id` and `flow_version` say where it came from; null for content that was handed in."""

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=32)
    sequence = models.PositiveIntegerField()
    object_key = models.CharField(max_length=255, unique=True)
    digest = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    author_id = models.CharField(max_length=128)
    flow_id = models.CharField(max_length=32, null=True)
    flow_version = models.CharField(max_length=32, null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = PackageVersionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["package", "version"], name="package_version_once"),
            models.UniqueConstraint(fields=["package", "sequence"], name="package_sequence_once"),
        ]

    def __str__(self) -> str:
        return f"{self.package_id} {self.version}"
