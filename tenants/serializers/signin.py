from __future__ import annotations

from rest_framework import serializers

from scaiflow.kit.shapes import Text


class ExchangeIn(serializers.Serializer):
    code = Text(max_length=4096)
    code_verifier = Text(max_length=256)
    redirect_uri = Text(max_length=2048)


class RefreshIn(serializers.Serializer):
    refresh_token = Text(max_length=16384)


class SigninConfigOut(serializers.Serializer):
    auth_mode = serializers.ChoiceField(["scaikey", "dev_token"])
    scaikey_base_url = serializers.CharField(allow_null=True)
    client_id = serializers.CharField(allow_null=True)
    audience = serializers.CharField(allow_null=True)
    redirect_uri = serializers.CharField()


class TokensOut(serializers.Serializer):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField(allow_null=True)
    id_token = serializers.CharField(allow_null=True)
    token_type = serializers.CharField(allow_null=True)
    expires_in = serializers.IntegerField(allow_null=True)


class MeOut(serializers.Serializer):
    sub = serializers.CharField()
    tenant_id = serializers.CharField()
    email = serializers.CharField(allow_blank=True)
    display_name = serializers.CharField(allow_blank=True)
    permissions = serializers.ListField(child=serializers.CharField())
    groups = serializers.ListField(child=serializers.CharField())
    admin_role = serializers.CharField(allow_null=True)
    admin_role_source = serializers.CharField(allow_null=True)
