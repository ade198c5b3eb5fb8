from __future__ import annotations

from rest_framework import serializers

from scaiflow.kit.shapes import Text


class ExchangeIn(serializers.Serializer):
    code = Text(max_length=4096)
    code_verifier = Text(max_length=256)
    redirect_uri = Text(max_length=2048)


class RefreshIn(serializers.Serializer):
    refresh_token = Text(max_length=16384)
