from __future__ import annotations

from rest_framework import serializers

from catalog.serializers.packages import LONGEST_README, Slug, VersionNumber, VisibilityIn
from scaiflow.kit.shapes import Flag, Object, Text


class PublishIn(VisibilityIn):
    package_id = Slug(max_length=100)
    name = Text(max_length=255)
    description = Text(max_length=10_000, required=False, allow_blank=True, allow_null=True, default="")
    version = VersionNumber(max_length=32)
    readme = Text(max_length=LONGEST_README, required=False, allow_null=True, trim_whitespace=False)
    flow_id = Text(max_length=128, required=False, allow_null=True)
    content = Object(required=False, allow_null=True)

    def validate_description(self, value: str | None) -> str:
        return value or ""

    def validate(self, attrs: dict) -> dict:
        given = {name: value for name, value in attrs.items() if value is not None}
        if ("flow_id" in given) == ("content" in given):
            message = "Give either the flow_id of a flow or the content of one"
            raise serializers.ValidationError({"flow_id": message}, code="missing")
        return given


class InstallIn(serializers.Serializer):
    version = Text(max_length=32, required=False, allow_null=True)
    save = Flag(required=False, default=False)  # type: ignore[assignment]  # DRF takes it off the class


class ExportQueryIn(serializers.Serializer):
    version = Text(max_length=32, required=False, allow_blank=True, default="")


class InstalledOut(serializers.Serializer):
    content = Object()
    package_id = serializers.CharField()
    version = serializers.CharField()
