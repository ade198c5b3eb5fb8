from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from flows.models import TestRun
from scaiflow.kit.shapes import Text


class TestRunQueryIn(serializers.Serializer):
    limit = serializers.IntegerField(min_value=1, max_value=500, default=50)
    cursor = Text(max_length=512, required=False, allow_blank=True, default="")


class TestRunSummary(serializers.ModelSerializer):
    # As fields of their own: a model's bounds are those of the database in use, and the document is one.
    passed = serializers.IntegerField(min_value=0)
    failed = serializers.IntegerField(min_value=0)

    class Meta:
        model = TestRun
        fields: ClassVar[list[str]] = [
            "id", "job_id", "core_id", "flow_version", "tests_version", "name_filter", "passed", "failed", "run_by",
            "run_at",
        ]  # fmt: skip


class TestRunDetail(TestRunSummary):
    class Meta(TestRunSummary.Meta):
        fields: ClassVar[list[str]] = [*TestRunSummary.Meta.fields, "results"]


class TestRunListOut(serializers.Serializer):
    items = TestRunSummary(many=True)
    next_cursor = serializers.CharField(allow_null=True)
