from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from flows.models import Deployment
from flows.serializers.preview import DiagnosticOut
from flows.serializers.versions import ChangesOut
from scaiflow.kit.shapes import Flag, Text


class DeployIn(serializers.Serializer):
    publish_as_model = Flag(required=False, allow_null=True, default=None)
    group_ids = serializers.ListField(
        child=Text(max_length=128), max_length=1000, required=False, allow_null=True, default=None
    )


class RunTestsIn(serializers.Serializer):
    core_id = Text(max_length=128)
    name_filter = Text(max_length=255, required=False, allow_null=True, allow_blank=True, default=None)


class DeploymentsIn(serializers.Serializer):
    limit = serializers.IntegerField(min_value=1, max_value=500, required=False)


class DeploymentOut(serializers.ModelSerializer):
    class Meta:
        model = Deployment
        fields: ClassVar[list[str]] = [
            "core_id", "deployed_at", "deployed_by", "published_slug", "flow_version",
            "id", "published_model_id", "manifest_digest", "status",
        ]  # fmt: skip


class ProvisionedOut(serializers.Serializer):
    scope_id = serializers.CharField()
    scope_slug = serializers.CharField()
    queue_ids = serializers.DictField(child=serializers.CharField())


class DeployOut(serializers.Serializer):
    core_id = serializers.CharField()
    published_slug = serializers.CharField(allow_null=True)
    published_model_id = serializers.CharField(allow_null=True)
    scaiqueue_provisioning = ProvisionedOut(allow_null=True)
    deployment_id = serializers.CharField()
    flow_version = serializers.CharField()
    job_id = serializers.CharField()


class LiveOut(serializers.Serializer):
    deployment_id = serializers.CharField()
    core_id = serializers.CharField()
    flow_version = serializers.CharField()
    published_slug = serializers.CharField(allow_null=True)


class QueueSurveyOut(serializers.Serializer):
    scope = serializers.CharField()
    scope_exists = serializers.BooleanField()
    create = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]
    existing = serializers.ListField(child=serializers.CharField())
    conflicts = serializers.ListField(child=serializers.CharField())


class DeployPreviewOut(serializers.Serializer):
    flow_version = serializers.CharField()
    compiles = serializers.BooleanField()
    diagnostics = DiagnosticOut(many=True)
    manifest_digest = serializers.CharField(allow_null=True)
    core = serializers.ChoiceField(["create", "update"])
    live = LiveOut(allow_null=True)
    same_as_live = serializers.BooleanField(allow_null=True)
    diff = ChangesOut(allow_null=True)
    queues = QueueSurveyOut(allow_null=True)
    publication = serializers.ChoiceField(["keep", "publish", "unpublish", "none"])


class FixtureResultOut(serializers.Serializer):
    name = serializers.CharField()
    ok = serializers.BooleanField()
    expect = serializers.JSONField()
    output = serializers.JSONField()
    error = serializers.CharField(allow_null=True)


class RunTestsOut(serializers.Serializer):
    results = FixtureResultOut(many=True)
    passed = serializers.IntegerField()
    failed = serializers.IntegerField()
