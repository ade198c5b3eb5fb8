"""ScaiKey's admin lists, as the mirror reads them: tenants, effective users, groups and their members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request

from scaiflow.sandbox.access import Principal, require
from scaiflow.sandbox.envelope import ApiError, answer, not_found, number_argument
from scaiflow.sandbox.people import APPLICATION_ID, TENANTS
from scaiflow.sandbox.state import current

_SHOWN = ("id", "tenant_id", "email", "first_name", "last_name", "display_name", "status")
blueprint = Blueprint("directory", __name__)


def _page(items: Sequence[dict[str, Any]]) -> Response:
    page, per_page = number_argument("page", 1, 1_000_000), number_argument("per_page", 50, 200)
    start = (page - 1) * per_page
    shown = list(items[start : start + per_page])
    return answer({"items": shown, "total": len(items), "page": page, "per_page": per_page})


def _caller(tenant_id: str | None = None) -> Principal:
    """The caller, who must be an admin client; of another tenant only with platform rights."""
    caller = require("scaikey:admin")
    if tenant_id not in (None, caller.tenant_id) and not current().switches.platform_rights:
        raise ApiError(403, "PERMISSION_DENIED", "permission_denied: need platform rights")
    return caller


@blueprint.get("/api/v1/admin/tenants")
def tenants() -> Response:
    _caller()
    if not current().switches.platform_rights:
        raise ApiError(403, "PERMISSION_DENIED", "permission_denied: need platform rights")
    return _page([{"id": id, "name": name, "status": "ACTIVE"} for id, name in TENANTS.items()])


@blueprint.get("/api/v1/tenants/<tenant_id>/applications/<application_id>/effective-users")
def effective_users(tenant_id: str, application_id: str) -> Response:
    _caller(tenant_id)
    if not current().switches.effective_users:
        raise ApiError(403, "PERMISSION_DENIED", "permission_denied: need application:read")
    if tenant_id not in TENANTS or application_id not in ("me", APPLICATION_ID):
        raise not_found("application")
    return _page([_user(row.body) for row in current().store.find("user", tenant=tenant_id)])


@blueprint.get("/api/v1/admin/groups/")
def groups() -> Response:
    wanted = request.args.get("tenant_id")
    caller = _caller(wanted)
    everywhere = current().switches.platform_rights and not wanted
    rows = current().store.find("group", tenant=None if everywhere else wanted or caller.tenant_id)
    return _page([row.body for row in rows])


@blueprint.get("/api/v1/admin/groups/<group_id>/members")
def members(group_id: str) -> Response:
    group = current().store.get("group", group_id)
    if group is None:
        raise not_found("group")
    _caller(group.tenant)
    ids = [row.body["user_id"] for row in current().store.find("member", ref=group_id)]
    users = [current().store.get("user", id) for id in ids]
    return _page([_user(user.body) for user in users if user])


def _user(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in _SHOWN}
