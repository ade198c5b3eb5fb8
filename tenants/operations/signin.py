"""Sign-in for the canvas: the server adds the client's secret, ScaiKey decides."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from scaiflow.kit import audit
from scaiflow.kit.errors import Failure, Unavailable, UpstreamFailure
from scaiflow.upstream import scaikey
from scaiflow.upstream.http import Unreachable, UpstreamError
from tenants.actions import SIGNED_IN, SIGNED_OUT
from tenants.models import User
from tenants.operations.service_tokens import is_configured

FIELDS = ("access_token", "refresh_token", "id_token", "token_type", "expires_in")


class Refused(Failure):
    """ScaiKey said no: the detail carries its `error` and `error_description`."""

    error = "invalid_grant"

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.more = {"error_description": description}


class ScaiKeyFailed(UpstreamFailure):
    """ScaiKey failed, or could not be reached (`status` is null then)."""

    error = "scaikey_api"


def exchange_code(*, code: str, code_verifier: str, redirect_uri: str) -> dict[str, Any]:
    """Tokens for an authorization code. Raises Refused, ScaiKeyFailed, Unavailable."""
    form = {"code": code, "code_verifier": code_verifier, "redirect_uri": redirect_uri}
    return _request({"grant_type": "authorization_code", **form})


def refresh_tokens(*, refresh_token: str) -> dict[str, Any]:
    """New tokens for a refresh token. Raises Refused, ScaiKeyFailed, Unavailable."""
    return _request({"grant_type": "refresh_token", "refresh_token": refresh_token})


def _request(form: dict[str, str]) -> dict[str, Any]:
    _require_configured()
    client = (settings.SCAIKEY_CLIENT_ID, settings.SCAIKEY_CLIENT_SECRET)
    try:
        token_url = scaikey.discover(base_url=settings.SCAIKEY_BASE_URL).token
        tokens = scaikey.request_tokens(token_url=token_url, client=client, form=form)
    except UpstreamError as error:
        if error.status >= 500:
            raise ScaiKeyFailed("ScaiKey failed", status=error.status, code=error.code) from None
        raise Refused(error.code or "invalid_request", error.message) from None
    except Unreachable as error:
        raise ScaiKeyFailed(str(error), status=None, code=None) from None
    return {field: tokens.get(field) for field in FIELDS}


def _require_configured() -> None:
    if not is_configured():
        raise Unavailable("sign-in is not configured: set SCAIKEY_BASE_URL and its client", component="scaikey")


def authorization_endpoint() -> str:
    """Where a browser signs in. Raises ScaiKeyFailed, Unavailable."""
    _require_configured()
    try:
        return scaikey.discover(base_url=settings.SCAIKEY_BASE_URL).authorization
    except (UpstreamError, Unreachable) as error:
        raise ScaiKeyFailed(str(error), status=None, code=None) from None


def note_signed_in(user: User) -> None:
    _note(SIGNED_IN, user)


def note_signed_out(user: User) -> None:
    _note(SIGNED_OUT, user)


def _note(action: str, user: User) -> None:
    audit.record(action=action, tenant_id=user.tenant_id, actor_id=user.id, object_type="user", object_id=user.id)
