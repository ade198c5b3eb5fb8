"""`http.request`: to hosts that the operator allowed, and to an echo that lives inside the sandbox."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from scaiflow.sandbox.clock import seconds_of
from scaiflow.sandbox.plugins.call import Call
from scaiflow.sandbox.runtime.errors import StepFailed

ECHO_HOST = "echo.sandbox.test"
_MOST_BYTES = 1_048_576
_MOST_SECONDS = 30.0


def request(call: Call) -> dict[str, Any]:
    """The answer whatever its status is; a host that is not allowed or does not answer fails the step."""
    url, method = call.text("url"), call.text("method").upper()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StepFailed(f"http.request: not an http address: {url}")
    headers = _headers(call.args.get("headers") or {})
    body = call.args.get("body")
    if parts.hostname == ECHO_HOST:
        echo = {"method": method, "path": parts.path or "/", "query": parts.query, "headers": headers, "body": body}
        return {"status": 200, "headers": {"content-type": "application/json"}, "body": echo}
    if not {parts.hostname, parts.netloc} & set(call.sandbox.config.http_allow):
        raise StepFailed(f"http.request: {parts.hostname} is not allowed here (SANDBOX_HTTP_ALLOW)")
    return _sent(url, method, headers, body, min(seconds_of(call.args.get("timeout")) or _MOST_SECONDS, _MOST_SECONDS))


def _headers(wanted: Any) -> dict[str, str]:
    if not isinstance(wanted, dict):
        raise StepFailed("http.request: headers must be a map")
    return {str(name): str(value) for name, value in wanted.items()}


def _sent(url: str, method: str, headers: dict[str, str], body: Any, timeout: float) -> dict[str, Any]:
    """No redirects are followed: the allow-list names the hosts that are asked, and no others."""
    parts = urlsplit(url)
    if body is not None and not isinstance(body, str):
        body, headers = json.dumps(body), {"Content-Type": "application/json", **headers}
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request(method, target, body=body.encode() if body else None, headers=headers)
        return _answer(connection.getresponse())
    except (OSError, HTTPException, ValueError) as error:
        raise StepFailed(f"http.request: {parts.hostname}: {error}") from error
    finally:
        connection.close()


def _answer(response: HTTPResponse) -> dict[str, Any]:
    raw = response.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise StepFailed(f"http.request: the answer is larger than {_MOST_BYTES} bytes")
    text = raw.decode("utf-8", errors="replace")
    headers = {name.lower(): value for name, value in response.getheaders()}
    try:
        body = json.loads(text) if "json" in headers.get("content-type", "") else text
    except ValueError:
        body = text
    return {"status": response.status, "headers": headers, "body": body}
