from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from scaiflow.kit.shapes import Text
from webhooks.models import Delivery


class DeliveryQueryIn(serializers.Serializer):
    tenant_id = Text(max_length=64, required=False, default="")
    type = Text(max_length=128, required=False, default="")
    handled = serializers.BooleanField(required=False, default=None, allow_null=True)
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    cursor = Text(max_length=512, required=False, allow_blank=True, default="")


class DeliveryOut(serializers.ModelSerializer):
    repeats = serializers.IntegerField(min_value=0)  # a model's own bounds are those of the database in use

    class Meta:
        model = Delivery
        fields: ClassVar[list[str]] = [
            "event_id", "type", "tenant_id", "occurred_at", "received_at", "handled", "outcome", "about", "repeats",
        ]  # fmt: skip


class EventIn(serializers.Serializer):
    """What is told of an event; what is read of it, and how both of ScaiKey's envelopes are: webhooks/events.py."""

    id = serializers.CharField(required=False, help_text="Or `event_id`.")
    event_id = serializers.CharField(required=False)
    type = serializers.CharField(required=False, help_text="Or `event_type`.")
    event_type = serializers.CharField(required=False)
    created_at = serializers.JSONField(required=False, help_text="Or `timestamp`: ISO 8601 or Unix seconds.")
    timestamp = serializers.JSONField(required=False)
    tenant_id = serializers.CharField(required=False, allow_null=True)
    data = serializers.JSONField(required=False)  # type: ignore[assignment]
    resource = serializers.JSONField(required=False)


class HandledOut(serializers.Serializer):
    handled = serializers.BooleanField()


class DeliveryListOut(serializers.Serializer):
    items = DeliveryOut(many=True)
    next_cursor = serializers.CharField(allow_null=True)
