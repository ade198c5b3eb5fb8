"""ScaiVault: `GET|PUT|DELETE /v1/secrets/{path}`, with its own error envelope."""

from __future__ import annotations

import re

from flask import Blueprint, Response

from scaiflow.sandbox.access import Principal, require
from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.envelope import ApiError, answer, json_object
from scaiflow.sandbox.state import current

_PATH = re.compile(r"[a-z0-9_/-]{1,512}")
blueprint = Blueprint("scaivault", __name__, url_prefix="/v1/secrets")


def _caller(path: str, scope: str) -> Principal:
    caller = require(scope)
    if not _PATH.fullmatch(path):
        raise ApiError(400, "invalid_path", "a path is a-z 0-9 - _ / and at most 512 characters long")
    return caller


def _missing(path: str) -> ApiError:
    return ApiError(404, "secret_not_found", f"no secret at {path}")


@blueprint.get("/<path:path>")
def read(path: str) -> Response:
    _caller(path, "secrets:read")
    found = current().store.get("secret", path)
    if found is None:
        raise _missing(path)
    return answer(found.body)


@blueprint.put("/<path:path>")
def write(path: str) -> Response:
    """Body `{"data": {...}, "secret_type"}`; every write is a new version."""
    caller = _caller(path, "secrets:write")
    body = json_object()
    if not isinstance(body.get("data"), dict) or not body["data"]:
        raise ApiError(422, "validation_error", "data must be an object with at least one value")
    store = current().store
    with store.transaction():
        before = store.get("secret", path)
        version = before.body["version"] + 1 if before else 1
        secret = {
            "path": path,
            "version": version,
            "data": body["data"],
            "secret_type": str(body.get("secret_type") or "generic"),
            "updated_at": iso(current().clock.now()),
        }
        store.put("secret", path, secret, tenant=caller.tenant_id)
    return answer({name: value for name, value in secret.items() if name != "data"}, 200 if before else 201)


@blueprint.delete("/<path:path>")
def delete(path: str) -> Response:
    _caller(path, "secrets:delete")
    if not current().store.delete("secret", path):
        raise _missing(path)
    return Response(status=204)
