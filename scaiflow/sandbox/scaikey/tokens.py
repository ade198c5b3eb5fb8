"""Access tokens: what they say, and how the other services read them."""

from __future__ import annotations

import time
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from scaiflow.sandbox.people import SERVICE, groups_of
from scaiflow.sandbox.scaikey.keys import ALGORITHMS, header, key_set, signing_key
from scaiflow.sandbox.state import Sandbox

_OIDC_SCOPES = ("openid", "profile", "email", "offline_access")


class TokenError(ValueError):
    """A token that does not open anything; the message says why."""


def granted_scope(user: dict[str, Any], requested: str) -> str:
    """The OIDC scopes that were asked for, then all permissions of the person: the client has no say in those."""
    return " ".join([*(scope for scope in requested.split() if scope in _OIDC_SCOPES), *user["scopes"]])


def user_claims(sandbox: Sandbox, user: dict[str, Any]) -> dict[str, Any]:
    """The claims about a person that access token, id token and userinfo share."""
    claims = {name: user[name] for name in ("tenant_id", "email", "name")}
    claims |= {"email_verified": True, "groups": groups_of(sandbox.store, user["id"])}
    return claims | ({"role": user["role"]} if user["role"] else {})


def service_claims(tenant_id: str) -> dict[str, Any]:
    """The claims that mark a service token."""
    return {"tenant_id": tenant_id, "token_type": "client_credentials"}


def service_scope(requested: str) -> str | None:
    """What of `requested` the service client may have, all of it for nothing requested; None when some is unknown."""
    if not requested:
        return " ".join(SERVICE)
    return requested if set(requested.split()) <= {*SERVICE, *_OIDC_SCOPES} else None


def access_token(sandbox: Sandbox, *, subject: str, client_id: str, scope: str, claims: dict[str, Any]) -> str:
    """A signed JWT that lives as long as the configuration says; `claims` come last and may replace all others."""
    now, key = int(time.time()), signing_key(sandbox)
    body = {
        "iss": sandbox.base_url,
        "aud": sandbox.config.client_id,
        "sub": subject,
        "client_id": client_id,
        "scope": scope,
        "iat": now,
        "exp": now + sandbox.config.access_token_seconds,
        **claims,
    }
    return jwt.encode(header(key, "at+jwt"), body, key)


def claims_of(sandbox: Sandbox, token: str) -> dict[str, Any]:
    """The claims of a valid access token. Raises TokenError for a wrong signature, issuer, audience, type or time."""
    try:
        decoded = jwt.decode(token, key_set(sandbox), algorithms=list(ALGORITHMS))
        JWTClaimsRegistry(
            iss={"essential": True, "value": sandbox.base_url},
            aud={"essential": True, "value": sandbox.config.client_id},
            exp={"essential": True},
            sub={"essential": True},
            tenant_id={"essential": True},
        ).validate(decoded.claims)
    except (JoseError, ValueError) as error:
        raise TokenError(f"the token is not valid: {error}") from error
    if decoded.header.get("typ") != "at+jwt":
        raise TokenError("the token is not an access token")
    return decoded.claims
