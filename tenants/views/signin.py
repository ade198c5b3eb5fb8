"""Sign-in for the canvas, and who the caller is."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from scaiflow.kit.calls import Call
from scaiflow.kit.errors import PassedThrough, RateLimited
from scaiflow.kit.rights import ANY
from scaiflow.kit.views import ApiView, PublicView, read_body
from tenants.operations.people import group_ids_of
from tenants.operations.signin import Refused, ScaiKeyFailed, exchange_code, refresh_tokens
from tenants.principals import caller_of
from tenants.serializers.signin import ExchangeIn, MeOut, RefreshIn, SigninConfigOut, TokensOut

SIGNIN_ERRORS = (Refused, ScaiKeyFailed, PassedThrough, RateLimited)


class SigninConfig(PublicView):
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("signin_config", "How a canvas signs people in", SigninConfigOut),
    }

    def get(self, request: Request) -> Response:
        return Response(
            {
                "auth_mode": "scaikey" if settings.SCAIKEY_BASE_URL else "dev_token",
                "scaikey_base_url": settings.SCAIKEY_BASE_URL or None,
                "client_id": settings.SCAIKEY_CLIENT_ID or None,
                "audience": settings.SCAIKEY_AUDIENCE or None,
                "redirect_uri": settings.OIDC_REDIRECT_URI,
            }
        )


class SigninExchange(PublicView):
    methods: ClassVar[set[str]] = {"POST"}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "exchange_code",
            "A code of ScaiKey for tokens; the server adds the client secret",
            TokensOut,
            body=ExchangeIn,
            raises=SIGNIN_ERRORS,
        ),
    }

    def post(self, request: Request) -> Response:
        return _uncached(exchange_code(**read_body(ExchangeIn, request)))


class SigninRefresh(PublicView):
    methods: ClassVar[set[str]] = {"POST"}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "refresh_tokens", "New tokens for a refresh token", TokensOut, body=RefreshIn, raises=SIGNIN_ERRORS
        ),
    }

    def post(self, request: Request) -> Response:
        return _uncached(refresh_tokens(**read_body(RefreshIn, request)))


class Me(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("me", "Who you are here, and what you may", MeOut),
    }

    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        return Response(
            {
                "sub": caller.sub,
                "tenant_id": caller.tenant_id,
                "email": caller.email,
                "display_name": caller.display_name,
                "permissions": sorted(caller.permissions),
                "groups": group_ids_of(caller),
                "admin_role": caller.admin_role,
                "admin_role_source": caller.admin_role_source,
            }
        )


def _uncached(tokens: dict[str, Any]) -> Response:
    return Response(tokens, headers={"Cache-Control": "no-store"})
