from __future__ import annotations

import re
from typing import Any, ClassVar

from rest_framework import serializers

from catalog.models import Package, PackageVersion
from catalog.roles import Visibility
from scaiflow.kit.shapes import Text

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
VERSION = re.compile(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}")
MOST_GROUPS, LONGEST_README = 100, 100_000


class Slug(Text):
    """An id of a package: a-z, 0-9 and single dashes. `publish` is a road of the API's own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(told={"pattern": f"^{SLUG.pattern}$"}, **options)

    default_error_messages = {"slug": "Input should be made of a-z, 0-9 and single dashes, such as 'customer-support'"}

    def to_internal_value(self, data: Any) -> str:
        slug = super().to_internal_value(data)
        if not SLUG.fullmatch(slug) or slug == "publish":
            self.fail("slug")
        return slug


class VersionNumber(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(told={"pattern": f"^{VERSION.pattern}$"}, **options)

    default_error_messages = {"version": "Input should be three numbers, such as '1.0.0'"}

    def to_internal_value(self, data: Any) -> str:
        version = super().to_internal_value(data)
        if not VERSION.fullmatch(version):
            self.fail("version")
        return version


class VisibilityIn(serializers.Serializer):
    """Every field may be missing; null counts as missing."""

    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False, allow_null=True)
    visibility_group_ids = serializers.ListField(
        child=Text(max_length=128), required=False, allow_null=True, max_length=MOST_GROUPS
    )


class PackageQueryIn(serializers.Serializer):
    search = Text(max_length=255, required=False, allow_blank=True, default="")
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    cursor = Text(max_length=512, required=False, allow_blank=True, default="")


class WhichIn(serializers.Serializer):
    tenant_id = Text(max_length=64, required=False, allow_blank=True, default="")
    version = Text(max_length=32, required=False, allow_blank=True, default="")


class PackageOut(serializers.ModelSerializer):
    package_id = serializers.CharField(source="slug")
    visibility_group_ids = serializers.ListField(source="group_ids", child=serializers.CharField())

    class Meta:
        model = Package
        fields: ClassVar[list[str]] = [
            "package_id", "name", "description", "version", "author_id", "author_email", "visibility",
            "visibility_group_ids", "created_at", "updated_at", "tenant_id",
        ]  # fmt: skip


class PackageVersionOut(serializers.ModelSerializer):
    class Meta:
        model = PackageVersion
        fields: ClassVar[list[str]] = ["version", "author_id", "size", "digest", "created_at"]


class PackageDetailOut(PackageOut):
    versions = serializers.SerializerMethodField()

    class Meta(PackageOut.Meta):
        fields: ClassVar[list[str]] = [*PackageOut.Meta.fields, "readme", "versions"]

    def get_versions(self, package: Package) -> list[dict[str, Any]]:
        return list(PackageVersionOut(package.versions.newest_first(), many=True).data)


class PackageListOut(serializers.Serializer):
    items = PackageOut(many=True)
    total = serializers.IntegerField()
    next_cursor = serializers.CharField(allow_null=True)
