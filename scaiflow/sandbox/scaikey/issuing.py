"""The token endpoint's answer: where a person's token and a service token differ."""

from __future__ import annotations

import secrets
from typing import Any

from authlib.oauth2.rfc6749 import InvalidScopeError
from flask import request

from scaiflow.sandbox.people import TENANTS
from scaiflow.sandbox.scaikey.clients import Client, User
from scaiflow.sandbox.scaikey.tokens import access_token, service_claims, user_claims
from scaiflow.sandbox.state import current


def issue(
    grant_type: str,
    client: Client,
    user: User | None = None,
    scope: str | None = None,
    expires_in: int | None = None,
    include_refresh_token: bool = True,
) -> dict[str, Any]:
    """The answer of RFC 6749, 5.1 (Authlib's signature of a token generator). Without a user it is for the service."""
    granted = client.get_allowed_scope(scope)
    if granted is None:
        raise InvalidScopeError()
    answer = {
        "access_token": _access_token(client, user, granted),
        "token_type": "Bearer",
        "expires_in": current().config.access_token_seconds,
        "scope": granted,
    }
    return answer | ({"refresh_token": secrets.token_urlsafe(32)} if include_refresh_token and user else {})


def _access_token(client: Client, user: User | None, scope: str) -> str:
    claims = user_claims(current(), user.body) if user else service_claims(_service_tenant())
    subject = user.get_user_id() if user else client.client_id
    return access_token(current(), subject=subject, client_id=client.client_id, scope=scope, claims=claims)


def _service_tenant() -> str:
    """The tenant of a service token: the form's `tenant_id` when it names one of ours, else the first."""
    wanted = request.form.get("tenant_id", "")
    return wanted if wanted in TENANTS else next(iter(TENANTS))
