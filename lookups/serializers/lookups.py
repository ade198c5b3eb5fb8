"""What the lookups answer."""

from __future__ import annotations

from rest_framework import serializers

from scaiflow.kit.shapes import Object


class ScopeOut(serializers.Serializer):
    id = serializers.CharField()
    slug = serializers.CharField(allow_null=True)
    display_name = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)


class ScopesOut(serializers.Serializer):
    data = ScopeOut(many=True)  # type: ignore[assignment]  # the contract's word; DRF's own is a property


class QueueOut(serializers.Serializer):
    id = serializers.CharField()
    scope_id = serializers.CharField()
    slug = serializers.CharField(allow_null=True)
    display_name = serializers.CharField(allow_null=True)
    consumer_mode = serializers.CharField(allow_null=True)
    max_retries = serializers.IntegerField(allow_null=True)


class QueuesOut(serializers.Serializer):
    data = QueueOut(many=True)  # type: ignore[assignment]


BUNKER = {
    "type": "object",
    "required": ["bunker_id", "image_ref", "lifecycle", "status"],
    "properties": {name: {"type": ["string", "null"]} for name in ("bunker_id", "image_ref", "lifecycle", "status")},
    "additionalProperties": {},
}


class BunkersOut(serializers.Serializer):
    """With whatever else ScaiBunker tells of each."""

    data = serializers.ListField(child=Object(told=BUNKER))  # type: ignore[assignment]


class ModelOut(serializers.Serializer):
    slug = serializers.CharField()
    display_name = serializers.CharField()
    modality = serializers.JSONField()
    context_window = serializers.JSONField()
    max_output_tokens = serializers.JSONField(required=False)


class ModelsOut(serializers.Serializer):
    data = ModelOut(many=True)  # type: ignore[assignment]


class AnswerOut(serializers.Serializer):
    """The service's own answer, untouched."""

    data = serializers.JSONField()  # type: ignore[assignment]
