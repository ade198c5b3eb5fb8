"""ScaiKey's signed webhooks: what changes in the directory is told to the backend."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.state import Sandbox

_SECONDS = 10.0


def _now() -> datetime:
    """The machine's time, as in tokens: the backend has no other, and refuses a signature that is minutes off."""
    return datetime.now(UTC)


def fire(sandbox: Sandbox, type: str, tenant_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Tell the configured address of an event; returns the delivery as it is kept."""
    event = {
        "id": sandbox.ids.new("evt"),
        "type": type,
        "created_at": iso(_now()),
        "resource": type.partition(".")[0],
        "tenant_id": tenant_id,
        "data": data,
    }
    return deliver(sandbox, event)


def deliver(sandbox: Sandbox, event: dict[str, Any]) -> dict[str, Any]:
    """Send an event once, freshly signed; an event that is sent again keeps its id, so that it is applied once."""
    url = sandbox.config.webhook_url
    status: int | None = None
    error = None if url else "no address: set SANDBOX_WEBHOOK_URL"
    if url:
        try:
            status = _post(sandbox, url, json.dumps(event).encode())
        except (OSError, HTTPException, ValueError) as failure:
            error = f"{type(failure).__name__}: {failure}"
    delivery = {"event": event, "status": status, "error": error, "at": iso(_now())}
    sandbox.store.put("delivery_log", event["id"], delivery, tenant=event["tenant_id"])
    return delivery


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`t=<unix>,v1=<hex>`: HMAC-SHA256 over `"<t>." + body`."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def _post(sandbox: Sandbox, url: str, body: bytes) -> int:
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    timestamp = int(_now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "X-Scaikey-Timestamp": str(timestamp),
        "X-Scaikey-Signature": signature(sandbox.config.webhook_secret, timestamp, body),
    }
    connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("POST", parts.path or "/", body=body, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
