"""How the services answer: ScaiGrid's envelope and ScaiVault's, fields of a body, and pages of lists."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, request

from scaiflow.sandbox.state import current
from scaiflow.sandbox.store import Document

_MOST_LEVELS = 64
_INTEGER = re.compile(r"[0-9]{1,18}")


class ApiError(Exception):
    """An answer other than success. `details` is a list of `{"field", "message"}`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.headers, self.extra = details, headers or {}, extra or {}


def not_found(what: str) -> ApiError:
    """404 for an object that is not there, or belongs to another tenant."""
    return ApiError(404, "NOT_FOUND", f"{what} not found")


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`body` as JSON, as it is."""
    return Response(json.dumps(body), status, headers, content_type="application/json")


def success(data: object, status: int = 200) -> Response:
    """`{"status": "ok", "data": ...}`."""
    return answer({"status": "ok", "data": data}, status)


def failure(error: ApiError) -> Response:
    """The documented error envelope of the service whose path was asked for."""
    fields: dict[str, Any] = {"code": error.code, "message": error.message, **error.extra}
    if error.details is not None:
        fields["details"] = error.details
    if "Retry-After" in error.headers:
        fields["retry_after"] = int(error.headers["Retry-After"])
    request_id = request.headers.get("X-Request-ID") or current().ids.new("req")
    if request.path.startswith("/v1/secrets"):
        body: dict[str, Any] = {"error": {"details": None, **fields, "request_id": request_id}}
    else:
        body = {"status": "error", "error": fields, "meta": {"request_id": request_id}}
    return answer(body, error.status, {**error.headers, "X-Request-ID": request_id})


def json_object() -> dict[str, Any]:
    """The request's body as a JSON object of at most 64 levels, empty for an empty body; 400 for anything else."""
    if not request.get_data(cache=True).strip():
        return {}
    try:
        body = request.get_json(silent=True, force=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict) or _is_deep(body):
        raise ApiError(400, "VALIDATION_ERROR", "the body must be a JSON object")
    return body


def _is_deep(value: object) -> bool:
    """Whether lists and objects stand more than 64 deep in one another; looked at level by level, not by recursion."""
    level: list[object] = [value]
    for _ in range(_MOST_LEVELS):
        level = [inner for outer in level if isinstance(outer, dict | list) for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: dict[str, object] | list[object]) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else value


def text_field(body: dict[str, Any], name: str, default: str | None = None) -> str:
    """A field that must be non-empty text; 422 naming it otherwise."""
    value = body.get(name, default)
    if not isinstance(value, str) or not value.strip():
        details = [{"field": name, "message": "must be non-empty text"}]
        raise ApiError(422, "VALIDATION_ERROR", f"{name} is required", details=details)
    return value


def number_argument(name: str, default: int, most: int) -> int:
    """A positive integer of the query, capped at `most`; 422 when it is not one."""
    text = request.args.get(name, str(default))
    if not _INTEGER.fullmatch(text) or int(text) < 1:
        raise ApiError(422, "VALIDATION_ERROR", f"{name} must be a positive integer")
    return min(int(text), most)


def cursor_argument() -> int:
    """The `seq` inside the opaque `cursor` of the query, 0 without one; 400 for a cursor that we did not give."""
    cursor = request.args.get("cursor")
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor.encode()).decode().removeprefix("seq:"))
    except (ValueError, binascii.Error) as error:
        raise ApiError(400, "INVALID_CURSOR", "the cursor is not one of ours") from error


def cursor_at(seq: int) -> str:
    """The opaque cursor that continues behind `seq`."""
    return base64.urlsafe_b64encode(f"seq:{seq}".encode()).decode()


def by_cursor(find: Callable[[int, int], Sequence[Document]], limit: int) -> tuple[list[Any], str | None]:
    """One page of `find(after, limit)` as bodies, and the cursor of the next page, None on the last."""
    found = find(cursor_argument(), limit + 1)
    more = len(found) > limit
    return [row.body for row in found[:limit]], cursor_at(found[limit - 1].seq) if more else None
