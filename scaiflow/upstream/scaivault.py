"""ScaiVault: secrets by path. (spec: upstreams.md, ScaiVault)"""

from __future__ import annotations

from urllib.parse import quote

from scaiflow.kit import json
from scaiflow.upstream.http import Unreachable, UpstreamError, call, expect_object

SERVICE = "scaivault"
SCOPE = "secrets:read secrets:write secrets:delete"


def read(*, base_url: str, token: str, path: str) -> str | None:
    """The secret's value, or None when there is none. Raises UpstreamError, Unreachable."""
    try:
        answer = expect_object(SERVICE, call(SERVICE, "GET", _url(base_url, path), token=token).data)
    except UpstreamError as error:
        if not _is_missing(error):
            raise
        return None
    found = answer.get("data")
    value = found.get("value") if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise Unreachable(SERVICE, "answered without the secret's value")
    return value


def write(*, base_url: str, token: str, path: str, value: str) -> None:
    """Raises UpstreamError, Unreachable."""
    body = json.dumps({"data": {"value": value}, "secret_type": "api_key"})
    call(SERVICE, "PUT", _url(base_url, path), token=token, body=body, hidden=[value])


def delete(*, base_url: str, token: str, path: str) -> None:
    """A secret that is not there counts as deleted. Raises UpstreamError, Unreachable."""
    try:
        call(SERVICE, "DELETE", _url(base_url, path), token=token)
    except UpstreamError as error:
        if not _is_missing(error):
            raise


def _is_missing(error: UpstreamError) -> bool:
    """Its own word for it; a 404 of anything else (a wrong base URL) is a failure."""
    return error.status == 404 and error.code == "secret_not_found"


def _url(base_url: str, path: str) -> str:
    return f"{base_url}/v1/secrets/{quote(path)}"
