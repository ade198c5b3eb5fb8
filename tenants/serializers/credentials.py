from __future__ import annotations

import re

from rest_framework import serializers

from scaiflow.kit.shapes import Text

SCAIGRID_KEY = re.compile(r"sgk_[!-~]{8,}")


class CredentialIn(serializers.Serializer):
    api_key = Text(max_length=512, told={"pattern": f"^{SCAIGRID_KEY.pattern}$"})
    base_url = Text(max_length=512, required=False, allow_null=True, default=None)

    def validate_api_key(self, value: str) -> str:
        if not SCAIGRID_KEY.fullmatch(value):
            raise serializers.ValidationError("must be a ScaiGrid key: sgk_ and at least 8 more characters")
        return value


class CredentialOut(serializers.Serializer):
    configured = serializers.BooleanField()
    base_url = serializers.CharField(allow_null=True)
    masked_key = serializers.CharField(allow_null=True)
