from __future__ import annotations

from rest_framework import serializers

from scaiflow.kit.shapes import Object, Text


class CoreIn(serializers.Serializer):
    core_id = Text(max_length=128)


class EventsIn(CoreIn):
    limit = serializers.IntegerField(min_value=1, max_value=500, default=50)
    cursor = Text(max_length=2000, default=None, told={"pattern": "^[!-~]*$"})


class CheckpointsIn(EventsIn):
    status = serializers.RegexField(r"^[A-Za-z_]{1,32}\Z", default="pending")


class StreamIn(CoreIn):
    """`limit` is how many events of before the stream begins with."""

    limit = serializers.IntegerField(min_value=0, max_value=500, default=50)
    last_event_id = Text(max_length=256, default=None)


class ResolveIn(serializers.Serializer):
    core_id = Text(max_length=128, default=None)


class InvokeIn(serializers.Serializer):
    input = Object(default=dict)


class AnyObjectIn(serializers.Serializer):
    """Whatever ScaiCore takes."""
