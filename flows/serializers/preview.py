from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scaiflow.kit.shapes import Object, Text


class CompileIn(serializers.Serializer):
    content = Object()
    format = Text(required=False, default="yaml")

    def validate_format(self, value: str) -> str:
        if value not in {"yaml", "ir", "scai"}:
            raise serializers.ValidationError("Input should be 'yaml', 'ir' or 'scai'", code="literal_error")
        return value


class ValidateIn(serializers.Serializer):
    content = Object()


class PackageBytes(serializers.Field):
    """A whole body that is a zip (see PackageOrJSON); in JSON there is no such thing."""

    default_error_messages = {"invalid": "A package is sent as the body itself, not inside of JSON"}

    def to_internal_value(self, data: Any) -> bytes:
        if not isinstance(data, bytes):
            self.fail("invalid")
        return data


class ImportIn(serializers.Serializer):
    manifest = Text(trim_whitespace=False, required=False)
    package = PackageBytes(required=False)

    def validate(self, attrs: dict) -> dict:
        if not attrs:
            raise serializers.ValidationError({"manifest": "Field required"}, code="required")
        return attrs
