from __future__ import annotations

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


class ImportIn(serializers.Serializer):
    manifest = Text(trim_whitespace=False)
