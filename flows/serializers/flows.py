from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from flows.access import level_on
from flows.models import Flow
from flows.models.flows import folded
from scaiflow.kit.shapes import Object, Text

FLOW_GRAPH = {"$ref": "#/components/schemas/FlowGraph"}  # made from the compiler's own schema
MOST_TAGS, LONGEST_TAG = 20, 50


class Tag(Text):
    """A word or a few, compared without minding case or how wide the gaps are."""

    default_error_messages = {"unprintable": "a tag holds printable characters only"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_TAG, **options)

    def to_internal_value(self, data: Any) -> str:
        tag = " ".join(folded(super().to_internal_value(data)).split())
        if not tag.isprintable():
            self.fail("unprintable")
        return tag


class Tags(serializers.ListField):
    """In the order of the alphabet, each once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=Tag(), max_length=MOST_TAGS, **options)

    def to_internal_value(self, data: Any) -> list[str]:
        return sorted(set(super().to_internal_value(data)))


class FlowIn(serializers.Serializer):
    name = Text(max_length=255)
    description = Text(max_length=10_000, required=False, allow_blank=True, allow_null=True, default="")
    content = Object(told=FLOW_GRAPH)
    tags = Tags(required=False, default=list)

    def validate_description(self, value: str | None) -> str:
        return value or ""


class FlowChangeIn(serializers.Serializer):
    """Every field may be missing; null counts as missing."""

    name = Text(max_length=255, required=False, allow_null=True)
    description = Text(max_length=10_000, required=False, allow_blank=True, allow_null=True)
    content = Object(required=False, allow_null=True, told=FLOW_GRAPH)
    tags = Tags(required=False, allow_null=True)

    def validate(self, attrs: dict) -> dict:
        return {name: value for name, value in attrs.items() if value is not None}


class FlowQueryIn(serializers.Serializer):
    search = Text(max_length=255, required=False, allow_blank=True, default="")
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    cursor = Text(max_length=512, required=False, allow_blank=True, default="")
    q = Text(max_length=255, required=False, allow_blank=True, default="")
    tag = Tags(required=False, default=list)
    owner_id = Text(max_length=128, required=False, allow_blank=True, default="")
    deployed = serializers.ChoiceField(choices=["true", "false"], required=False, allow_blank=True, default="")


class TenantFlowQueryIn(FlowQueryIn):
    tenant_id = Text(max_length=64, required=False, default="")


class OwnerIn(serializers.Serializer):
    owner_id = Text(max_length=128)


class FlowSummary(serializers.ModelSerializer):
    level = serializers.SerializerMethodField()

    class Meta:
        model = Flow
        fields: ClassVar[list[str]] = [
            "id", "name", "description", "owner_id", "tenant_id", "version", "created_at", "updated_at", "level",
            "tags",
        ]  # fmt: skip

    def get_level(self, flow: Flow) -> str:
        return level_on(self.context["principal"], flow).word


class FlowListOut(serializers.Serializer):
    items = FlowSummary(many=True)
    total = serializers.IntegerField()
    next_cursor = serializers.CharField(allow_null=True)


class FlowOut(FlowSummary):
    """A flow with its content, as the views put it together."""

    content = Object(told=FLOW_GRAPH)

    class Meta(FlowSummary.Meta):
        fields: ClassVar[list[str]] = [*FlowSummary.Meta.fields, "content"]


class TenantOut(serializers.Serializer):
    id = serializers.CharField()
    users = serializers.IntegerField()
    groups = serializers.IntegerField()
    flows = serializers.IntegerField()


class TenantsOut(serializers.Serializer):
    tenants = TenantOut(many=True)
