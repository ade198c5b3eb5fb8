from __future__ import annotations

from typing import Any

from rest_framework import serializers

from scaiflow.kit.shapes import Object, Text


class CompileIn(serializers.Serializer):
    content = Object()
    format = Text(required=False, default="yaml", told={"enum": ["yaml", "ir", "scai"]})

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


class ManifestIn(serializers.Serializer):
    manifest = Text(trim_whitespace=False)


class ImportIn(serializers.Serializer):
    """A ManifestIn, or a package as the whole body."""

    manifest = Text(trim_whitespace=False, required=False)
    package = PackageBytes(required=False)

    def validate(self, attrs: dict) -> dict:
        if not attrs:
            raise serializers.ValidationError({"manifest": "Field required"}, code="required")
        return attrs


class DiagnosticOut(serializers.Serializer):
    severity = serializers.ChoiceField(["error", "warning"])
    code = serializers.CharField()
    message = serializers.CharField()
    path = serializers.CharField(allow_blank=True)
    node_id = serializers.CharField(allow_null=True)
    edge_id = serializers.CharField(allow_null=True)


class CompileOut(serializers.Serializer):
    format = serializers.CharField()
    body = serializers.CharField(
        allow_blank=True, help_text="The manifest; of `ir` in base64; empty when it does not compile."
    )
    errors = DiagnosticOut(many=True)  # type: ignore[assignment]  # the contract's word; DRF's own is a property


class ValidateOut(serializers.Serializer):
    valid = serializers.BooleanField()
    diagnostics = DiagnosticOut(many=True)


class ImportOut(serializers.Serializer):
    content = Object()
    unknown_steps = serializers.ListField(child=serializers.JSONField())
