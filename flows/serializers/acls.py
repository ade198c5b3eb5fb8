from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from flows.models import FlowACL
from flows.roles import Level, PrincipalType
from scaiflow.kit.shapes import Text

WORDS = {"enum": [level.word for level in Level]}


class ACLIn(serializers.Serializer):
    principal_type = Text(max_length=32, told={"enum": PrincipalType.values})
    principal_id = Text(max_length=128)
    level = Text(max_length=32, told=WORDS)


class ACLChangeIn(serializers.Serializer):
    level = Text(max_length=32, told=WORDS)


class ACLOut(serializers.ModelSerializer):
    flow_id = serializers.CharField()
    level = serializers.SerializerMethodField()

    class Meta:
        model = FlowACL
        fields: ClassVar[list[str]] = [
            "id", "flow_id", "principal_type", "principal_id", "level", "granted_by", "granted_at",
        ]  # fmt: skip

    def get_level(self, entry: FlowACL) -> str:
        return Level(entry.level).word
