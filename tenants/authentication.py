"""How a bearer becomes a principal. (Kept free of rest_framework.views: importing that here breaks Django's start.)"""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from scaiflow.kit.errors import Unauthenticated
from tenants.models import User
from tenants.principals import Principal
from tenants.roles import PERMISSIONS, AdminRole, RoleSource
from tenants.tokens import check_token, permissions_in

DEVELOPER = Principal(
    sub="usr_developer",
    tenant_id="tnt_development",
    permissions=PERMISSIONS,
    email="developer@localhost",
    display_name="Developer",
    admin_role=AdminRole.SUPER_ADMIN,
    admin_role_source=RoleSource.BOOTSTRAP,
)


class ScaiKeyBearer(BaseAuthentication):
    """`Authorization: Bearer <access token>`, and nothing else. Raises Unauthenticated, also without a header."""

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        principal = principal_of("" if settings.AUTH_DISABLED else bearer_of(request))
        request._request.principal_id = principal.sub  # type: ignore[attr-defined]  # noqa: SLF001
        structlog.contextvars.bind_contextvars(tenant=principal.tenant_id)
        return principal, None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def principal_of(token: str) -> Principal:
    """Whoever holds this token, over HTTP and on sockets. Raises Unauthenticated, Unavailable."""
    return DEVELOPER if settings.AUTH_DISABLED else principal_for(token)


def bearer_of(request: Request) -> str:
    """The token of the Authorization header. Raises Unauthenticated."""
    scheme, _, token = get_authorization_header(request).partition(b" ")
    if scheme.lower() != b"bearer" or not token.strip():
        raise Unauthenticated("Not authenticated")
    return token.strip().decode("latin-1")  # what is no token is refused where tokens are checked, at the same cost


def principal_for(token: str) -> Principal:
    """One query: the mirror tells the admin role, and who has been shut out. Raises Unauthenticated, Unavailable."""
    claims = check_token(token)
    user = User.objects.filter(id=claims["sub"], tenant_id=claims["tenant_id"]).first()
    if user and user.is_shut_out:
        raise Unauthenticated("this account is suspended or deleted")
    return Principal(
        sub=claims["sub"],
        tenant_id=claims["tenant_id"],
        permissions=permissions_in(claims),
        email=_text(claims, "email") or (user.email if user else ""),
        display_name=_text(claims, "name") or (user.display_name if user else ""),
        admin_role=user.admin_role if user else None,
        admin_role_source=user.admin_role_source if user else None,
        token=token,
        expires_at=float(claims["exp"]),
    )


def principal_again(principal: Principal) -> Principal:
    """The same caller as of now: the token may have expired, the account been shut out, the role changed. For what goes on
    long after its request. Raises Unauthenticated, Unavailable."""
    return DEVELOPER if settings.AUTH_DISABLED else principal_for(principal.token or "")


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
