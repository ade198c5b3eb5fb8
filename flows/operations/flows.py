"""Flows: made, changed, deleted and brought back, each in one transaction."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from flows.actions import FLOW_CHANGED, FLOW_CREATED, FLOW_DELETED, FLOW_OWNER_CHANGED, FLOW_RESTORED
from flows.models import Flow
from flows.operations.objects import whole_write
from flows.operations.versions import FIRST, Content, add_version, checked, next_version
from scaiflow.kit import audit
from scaiflow.kit.errors import NotFound, Precondition
from tenants.models import User
from tenants.principals import Principal


class StaleVersion(Precondition):
    """Somebody saved since the caller last read."""

    error = "stale_version"


def create_flow(*, by: Principal, name: str, description: str, content: Content) -> Flow:
    """Raises TooLarge, Unprocessable, Unavailable."""
    body = checked(content)
    now = timezone.now()
    with whole_write() as writes:
        flow = Flow.objects.create(
            tenant_id=by.tenant_id, owner_id=by.sub, name=name, name_folded=name.casefold(),
            description=description, version=FIRST, created_at=now, updated_at=now,
        )  # fmt: skip
        add_version(flow=flow, version=FIRST, body=body, author_id=by.sub, writes=writes)
        _write_down(FLOW_CREATED, flow, by, {}, _facts(flow))
    return flow


def update_flow(*, flow: Flow, by: Principal, if_match: str | None = None, **changes: Any) -> Flow:
    """`changes` are any of name, description, content; content makes a new version on top of the newest.

    Raises StaleVersion (`if_match` is an ETag that is not the newest), NotFound, TooLarge, Unprocessable, Unavailable."""
    body = checked(changes["content"]) if "content" in changes else None
    with whole_write() as writes:
        locked = _locked(flow)
        _check_fresh(locked, if_match)
        before = _facts(locked)
        if "name" in changes:
            locked.name, locked.name_folded = changes["name"], changes["name"].casefold()
        locked.description = changes.get("description", locked.description)
        if body is not None:
            locked.version = next_version(locked.version)
            add_version(flow=locked, version=locked.version, body=body, author_id=by.sub, writes=writes)
        _touch(locked)
        _write_down(FLOW_CHANGED, locked, by, before, _facts(locked))
    return locked


def delete_flow(*, flow: Flow, by: Principal) -> None:
    """Soft: the versions and their objects stay. Raises NotFound."""
    with transaction.atomic():
        locked = _locked(flow)
        before, locked.deleted_at = _facts(locked), timezone.now()
        _touch(locked)
        _write_down(FLOW_DELETED, locked, by, before, _facts(locked))


def restore_flow(*, flow: Flow, by: Principal) -> Flow:
    """Raises NotFound when there is nothing to bring back (any more)."""
    with transaction.atomic():
        locked = _locked(flow, deleted=True)
        before, locked.deleted_at = _facts(locked), None
        _touch(locked)
        _write_down(FLOW_RESTORED, locked, by, before, _facts(locked))
    return locked


def change_owner(*, flow: Flow, by: Principal, owner_id: str) -> Flow:
    """Raises NotFound, also when the new owner is not in the mirror of the flow's tenant."""
    if not User.objects.living().filter(id=owner_id, tenant_id=flow.tenant_id).exists():
        raise NotFound("user not found")
    with transaction.atomic():
        locked = _locked(flow)
        before, locked.owner_id = _facts(locked), owner_id
        _touch(locked)
        _write_down(FLOW_OWNER_CHANGED, locked, by, before, _facts(locked))
    return locked


def _facts(flow: Flow) -> dict[str, Any]:
    """What the audit log compares. The content is told by its version; it can be read there."""
    deleted_at = flow.deleted_at.isoformat() if flow.deleted_at else None
    names = ("name", "description", "version", "owner_id")
    return {**{name: getattr(flow, name) for name in names}, "deleted_at": deleted_at}


def _write_down(action: str, flow: Flow, by: Principal, before: dict[str, Any], after: dict[str, Any]) -> None:
    audit.record(
        action=action, tenant_id=flow.tenant_id, actor_id=by.sub, object_type="flow", object_id=flow.id,
        changes=audit.difference(before, after),
    )  # fmt: skip


def _locked(flow: Flow, *, deleted: bool = False) -> Flow:
    rows = Flow.objects.select_for_update().filter(id=flow.id, deleted_at__isnull=not deleted)
    found = rows.first()
    if found is None:
        raise NotFound("flow not found")
    return found


def _check_fresh(flow: Flow, if_match: str | None) -> None:
    if if_match is None or if_match.strip() == "*":
        return
    if flow.etag not in {tag.strip() for tag in if_match.split(",")}:
        message = "somebody saved this flow since you read it; read it again and repeat your change"
        raise StaleVersion(message, headers={"ETag": flow.etag}, current_version=flow.version, etag=flow.etag)


def _touch(flow: Flow) -> None:
    """Time only moves on, also when the clock does not: newest-first lists depend on it."""
    flow.revision += 1
    flow.updated_at = max(timezone.now(), flow.updated_at)
    flow.save()
