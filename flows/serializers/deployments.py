from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from flows.models import Deployment
from scaiflow.kit.shapes import Flag, Text


class DeployIn(serializers.Serializer):
    publish_as_model = Flag(required=False, allow_null=True, default=None)
    group_ids = serializers.ListField(
        child=Text(max_length=128), max_length=1000, required=False, allow_null=True, default=None
    )


class RunTestsIn(serializers.Serializer):
    core_id = Text(max_length=128)
    name_filter = Text(max_length=255, required=False, allow_null=True, allow_blank=True, default=None)


class DeploymentOut(serializers.ModelSerializer):
    class Meta:
        model = Deployment
        fields: ClassVar[list[str]] = [
            "core_id", "deployed_at", "deployed_by", "published_slug", "flow_version",
            "id", "published_model_id", "manifest_digest", "status",
        ]  # fmt: skip
