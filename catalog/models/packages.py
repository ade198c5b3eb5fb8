"""A package: what its tenant knows it as, who may see it, and which of its versions was published last."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.roles import Visibility
from scaiflow.kit.ids import package_id
from tenants.models import Membership
from tenants.principals import Principal


class PackageQuerySet(models.QuerySet["Package"]):
    def living(self) -> PackageQuerySet:
        return self.filter(deleted_at=None)

    def visible_to(self, principal: Principal) -> PackageQuerySet:
        """What the tenant shows to everybody or to a group of theirs, and their own; all of the tenant's for its admins;
        all there are for super admins."""
        if principal.is_super_admin:
            return self
        found = self.filter(tenant_id=principal.tenant_id)
        if principal.is_admin_of(principal.tenant_id):
            return found
        groups = Membership.objects.of(user_id=principal.sub, tenant_id=principal.tenant_id).values("group_id")
        shown = PackageGroup.objects.filter(group_id__in=groups).values("package_id")
        for_groups = Q(visibility=Visibility.GROUPS, id__in=shown)
        return found.filter(Q(visibility=Visibility.TENANT) | Q(author_id=principal.sub) | for_groups)

    def named_like(self, text: str) -> PackageQuerySet:
        folded = text.casefold()
        return self.filter(Q(name_folded__contains=folded) | Q(slug__contains=folded)) if text else self


class Package(models.Model):
    """`slug` is what the API calls `package_id`. It stays taken when the package is deleted, because its versions' objects
    stay. `version` and `readme` are those of the version that was published last."""

    id = models.CharField(primary_key=True, max_length=32, default=package_id)
    tenant_id = models.CharField(max_length=64)
    slug = models.CharField(max_length=100)
    name = models.CharField(max_length=255)
    name_folded = models.CharField(max_length=512)
    description = models.TextField(blank=True)
    readme = models.TextField(null=True)
    version = models.CharField(max_length=32)
    author_id = models.CharField(max_length=128)
    author_email = models.CharField(max_length=254, blank=True)
    visibility = models.CharField(max_length=8, choices=Visibility.choices, default=Visibility.TENANT)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)

    objects = PackageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["tenant_id", "slug"], name="package_id_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["tenant_id", "-updated_at", "-id"], name="package_newest", condition=Q(deleted_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.slug} {self.version}"

    @property
    def group_ids(self) -> list[str]:
        return sorted(row.group_id for row in self.group_rows.all())


class PackageGroup(models.Model):
    """A group that sees the package. Kept by its id alone: a group may end and come back in the mirror."""

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="group_rows", db_index=False)
    group_id = models.CharField(max_length=128)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["package", "group_id"], name="package_group_once")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["group_id", "package"], name="packages_of_group")]

    def __str__(self) -> str:
        return f"{self.group_id} sees {self.package_id}"
