from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from flows.models import FlowVersion
from scaiflow.kit.shapes import Text


class DiffQueryIn(serializers.Serializer):
    """`from` is a word of Python's, hence the odd way to declare it."""

    to = Text(max_length=32, required=False, default="")
    format = serializers.ChoiceField(choices=["json", "text"], default="json")

    def get_fields(self) -> dict:
        return {"from": Text(max_length=32), **super().get_fields()}


class VersionChangeIn(serializers.Serializer):
    """An empty label, like null, takes the label away."""

    label = Text(max_length=100, allow_null=True, allow_blank=True)  # type: ignore[assignment]  # DRF takes it off the class

    def validate_label(self, value: str | None) -> str | None:
        return value or None


class VersionOut(serializers.ModelSerializer):
    is_current = serializers.SerializerMethodField()
    last_modified = serializers.DateTimeField(source="created_at")
    size = serializers.IntegerField(min_value=0)  # a model's own bounds are those of the database in use

    class Meta:
        model = FlowVersion
        fields: ClassVar[list[str]] = [
            "version", "is_current", "last_modified", "author_id", "size", "digest", "label",
        ]  # fmt: skip

    def get_is_current(self, version: FlowVersion) -> bool:
        return bool(version.version == self.context["flow"].version)


class FieldChangeOut(serializers.Serializer):
    path = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class ChangedOut(serializers.Serializer):
    """A node or an edge that is in both: the id under `node_id` or `edge_id`."""

    node_id = serializers.CharField(required=False)
    edge_id = serializers.CharField(required=False)
    label = serializers.JSONField()  # type: ignore[assignment]
    fields = FieldChangeOut(many=True)  # type: ignore[assignment]  # the contract's word; DRF's own is a property


class BriefOut(serializers.Serializer):
    node_id = serializers.CharField(required=False)
    edge_id = serializers.CharField(required=False)
    label = serializers.JSONField()  # type: ignore[assignment]
    type = serializers.JSONField()


class PartChangesOut(serializers.Serializer):
    added = BriefOut(many=True)
    removed = BriefOut(many=True)
    changed = ChangedOut(many=True)


class ChangesOut(serializers.Serializer):
    nodes = PartChangesOut()
    edges = PartChangesOut()
    config = FieldChangeOut(many=True)
    variables = FieldChangeOut(many=True)
    tests = FieldChangeOut(many=True)
    document = FieldChangeOut(many=True)
    layout_only = serializers.BooleanField()
    summary = serializers.CharField()


class DiffOut(ChangesOut):
    def get_fields(self) -> dict:
        return {"from": serializers.CharField(), "to": serializers.CharField(), **super().get_fields()}
