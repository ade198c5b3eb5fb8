from __future__ import annotations

from rest_framework import serializers

from scaiflow.kit.shapes import Flag, Object


class DevDeployIn(serializers.Serializer):
    content = Object()
    publish_as_model = Flag(required=False, allow_null=True, default=None)


class DevDeployOut(serializers.Serializer):
    core_id = serializers.CharField()
    published_slug = serializers.CharField(allow_null=True)
