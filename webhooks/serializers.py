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
    class Meta:
        model = Delivery
        fields: ClassVar[list[str]] = [
            "event_id", "type", "tenant_id", "occurred_at", "received_at", "handled", "outcome", "about", "repeats",
        ]  # fmt: skip
