from __future__ import annotations

from rest_framework import serializers

from scaiflow.kit.shapes import Text


class HeartbeatIn(serializers.Serializer):
    display_name = Text(max_length=255)
    color = Text(max_length=32)


class PresentOut(serializers.Serializer):
    user_id = serializers.CharField()
    display_name = serializers.CharField()
    color = serializers.CharField()
    last_seen_ago_s = serializers.FloatField()


class PresentListOut(serializers.Serializer):
    peers = PresentOut(many=True)
