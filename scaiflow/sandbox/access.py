"""Who calls ScaiGrid, ScaiQueue, ScaiBunker and ScaiVault: a bearer token of our own ScaiKey, or an `sgk_` key."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from scaiflow.sandbox.envelope import ApiError
from scaiflow.sandbox.people import API_KEYS, MANAGE
from scaiflow.sandbox.scaikey.tokens import TokenError, claims_of
from scaiflow.sandbox.state import current

_ADMIN_ROLES = frozenset({"tenant_admin", "partner_admin", "super_admin"})


@dataclass(frozen=True)
class Principal:
    """The caller: always inside one tenant."""

    subject: str
    tenant_id: str
    scopes: frozenset[str]
    role: str | None = None

    def may(self, scope: str) -> bool:
        """`x:manage` gives `x:view` too; ScaiKey's admin roles give both, but never ScaiVault's `secrets:*`."""
        service, _, verb = scope.partition(":")
        if scope in self.scopes or (verb == "view" and f"{service}:manage" in self.scopes):
            return True
        return self.role in _ADMIN_ROLES and verb in {"view", "manage"}


def bearer() -> str:
    """The token of the Authorization header; 401 without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ApiError(401, "UNAUTHENTICATED", "a bearer token is required", headers={"WWW-Authenticate": "Bearer"})
    return token


def principal() -> Principal:
    """The caller of the present request; 401 for a bad or missing credential."""
    token = bearer()
    if token.startswith("sgk_"):
        return _key_holder(token)
    try:
        claims = claims_of(current(), token)
    except TokenError as error:
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise ApiError(401, "INVALID_TOKEN", str(error), headers=headers) from error
    scopes = frozenset(str(claims.get("scope", "")).split())
    return Principal(claims["sub"], claims["tenant_id"], scopes, claims.get("role"))


def _key_holder(key: str) -> Principal:
    for tenant_id, ready in API_KEYS.items():
        if key == ready:
            return Principal(f"key_{tenant_id}", tenant_id, frozenset(MANAGE))
    raise ApiError(401, "INVALID_API_KEY", "the API key is not known", headers={"WWW-Authenticate": "Bearer"})


def require(scope: str) -> Principal:
    """The caller, who must hold `scope`; 403 naming it otherwise."""
    caller = principal()
    if not caller.may(scope):
        raise ApiError(403, "PERMISSION_DENIED", f"permission_denied: need {scope}")
    return caller
