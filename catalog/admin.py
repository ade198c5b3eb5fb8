"""Packages and their versions, to look at. Publishing and taking back go through the catalog itself."""

from __future__ import annotations

from django.contrib import admin

from catalog.models import Package, PackageGroup, PackageVersion
from scaiflow.kit.pages import ReadOnly


@admin.register(Package)
class Packages(ReadOnly):
    history_type = "package"
    list_display = ("slug", "tenant_id", "name", "version", "author_id", "visibility", "updated_at", "deleted_at")
    list_filter = ("visibility", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("=id", "=tenant_id", "slug", "name_folded", "=author_id")
    exclude = ("name_folded",)
    date_hierarchy = "updated_at"
    ordering = ("-updated_at", "-id")

    def history_id(self, row: Package) -> str:
        return row.slug


@admin.register(PackageVersion)
class PackageVersions(ReadOnly):
    tenant_path = "package__tenant_id"
    history_type = "package"
    list_display = ("package", "version", "size", "author_id", "created_at")
    list_display_links = ("version",)
    list_select_related = ("package",)
    search_fields = ("=package__id", "=package__slug", "=digest", "=author_id")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")

    def history_id(self, row: PackageVersion) -> str:
        return row.package.slug


@admin.register(PackageGroup)
class PackageGroups(ReadOnly):
    tenant_path = "package__tenant_id"
    history_type = "package"
    list_display = ("package", "group_id")
    list_display_links = ("group_id",)
    list_select_related = ("package",)
    search_fields = ("=package__id", "=package__slug", "=group_id")
    ordering = ("package_id", "group_id")

    def history_id(self, row: PackageGroup) -> str:
        return row.package.slug
