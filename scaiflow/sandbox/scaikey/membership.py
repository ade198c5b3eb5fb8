"""Changes of the directory, each followed by its webhook."""

from __future__ import annotations

from typing import Any

from scaiflow.sandbox.envelope import ApiError, not_found
from scaiflow.sandbox.people import TENANTS
from scaiflow.sandbox.scaikey.webhooks import fire
from scaiflow.sandbox.state import Sandbox
from scaiflow.sandbox.store import Document

STATUSES = {"ACTIVE": "user.activated", "SUSPENDED": "user.suspended"}


def _group(sandbox: Sandbox, group_id: str) -> Document:
    group = sandbox.store.get("group", group_id)
    if group is None:
        raise not_found("group")
    return group


def _user(sandbox: Sandbox, user_id: str) -> Document:
    user = sandbox.store.get("user", user_id)
    if user is None:
        raise not_found("user")
    return user


def create_group(sandbox: Sandbox, tenant_id: str, name: str) -> dict[str, Any]:
    """A group without members."""
    if tenant_id not in TENANTS:
        raise not_found("tenant")
    body = {"id": sandbox.ids.new("grp"), "tenant_id": tenant_id, "name": name}
    sandbox.store.add("group", body["id"], body, tenant=tenant_id)
    return fire(sandbox, "group.created", tenant_id, body)


def rename_group(sandbox: Sandbox, group_id: str, name: str) -> dict[str, Any]:
    group = _group(sandbox, group_id)
    sandbox.store.put("group", group_id, {**group.body, "name": name}, tenant=group.tenant)
    return fire(sandbox, "group.updated", group.tenant, {**group.body, "name": name})


def delete_group(sandbox: Sandbox, group_id: str) -> dict[str, Any]:
    """The group and its memberships; the people stay."""
    group = _group(sandbox, group_id)
    with sandbox.store.transaction():
        for member in sandbox.store.find("member", ref=group_id):
            sandbox.store.delete("member", member.id)
        sandbox.store.delete("group", group_id)
    return fire(sandbox, "group.deleted", group.tenant, group.body)


def add_member(sandbox: Sandbox, group_id: str, user_id: str) -> dict[str, Any]:
    """409 for somebody who is a member already; 404 for somebody of another tenant."""
    group, user = _group(sandbox, group_id), _user(sandbox, user_id)
    if user.tenant != group.tenant:
        raise not_found("user")
    if not sandbox.store.add(
        "member", f"{group_id}/{user_id}", {"user_id": user_id}, tenant=group.tenant, ref=group_id
    ):
        raise ApiError(409, "ALREADY_MEMBER", "the user is a member of the group already")
    return fire(sandbox, "group_membership.added", group.tenant, _membership(group, user))


def remove_member(sandbox: Sandbox, group_id: str, user_id: str) -> dict[str, Any]:
    group, user = _group(sandbox, group_id), _user(sandbox, user_id)
    if not sandbox.store.delete("member", f"{group_id}/{user_id}"):
        raise not_found("membership")
    return fire(sandbox, "group_membership.removed", group.tenant, _membership(group, user))


def set_status(sandbox: Sandbox, user_id: str, status: str) -> dict[str, Any]:
    """`ACTIVE` or `SUSPENDED`; a suspended person cannot sign in."""
    if status not in STATUSES:
        raise ApiError(422, "VALIDATION_ERROR", f"status must be one of {', '.join(STATUSES)}")
    user = _user(sandbox, user_id)
    body = {**user.body, "status": status}
    sandbox.store.put("user", user_id, body, tenant=user.tenant)
    shown = {name: body[name] for name in ("id", "tenant_id", "email", "display_name", "status")}
    return fire(sandbox, STATUSES[status], user.tenant, shown)


def _membership(group: Document, user: Document) -> dict[str, Any]:
    return {"group_id": group.id, "user_id": user.id, "tenant_id": group.tenant, "group": group.body}
