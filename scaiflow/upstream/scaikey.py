"""ScaiKey: discovery, signing keys, and the token endpoint. (spec: upstreams.md, ScaiKey)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from scaiflow.upstream.http import Unreachable, call, expect_object

SERVICE = "scaikey"
DISCOVERY = "/api/v1/platform/oauth/.well-known/openid-configuration"


@dataclass(frozen=True)
class Endpoints:
    issuer: str
    authorization: str
    token: str
    jwks: str
    userinfo: str


def discover(*, base_url: str) -> Endpoints:
    """Raises Unreachable, UpstreamError."""
    found = expect_object(SERVICE, call(SERVICE, "GET", base_url + DISCOVERY).data)
    try:
        return Endpoints(
            issuer=str(found["issuer"]),
            authorization=str(found["authorization_endpoint"]),
            token=str(found["token_endpoint"]),
            jwks=str(found["jwks_uri"]),
            userinfo=str(found["userinfo_endpoint"]),
        )
    except KeyError as error:
        raise Unreachable(SERVICE, f"its discovery document lacks {error}") from None


def fetch_keys(*, jwks_url: str) -> list[dict[str, Any]]:
    """The key set's JWKs, as they are. Raises Unreachable, UpstreamError."""
    keys = expect_object(SERVICE, call(SERVICE, "GET", jwks_url).data).get("keys")
    if not isinstance(keys, list):
        raise Unreachable(SERVICE, "its key set has no keys")
    return [key for key in keys if isinstance(key, dict)]


def request_tokens(*, token_url: str, client: tuple[str, str], form: dict[str, str]) -> dict[str, Any]:
    """One POST to the token endpoint, never repeated: codes and refresh tokens are good for one use.

    Raises UpstreamError (its `body` holds `error` and `error_description`), Unreachable."""
    reply = call(
        SERVICE, "POST", token_url, basic=client,
        body=urlencode(form).encode(), content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    return expect_object(SERVICE, reply.data)
