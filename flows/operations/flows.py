"""Flows: made, changed, deleted and brought back, each in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from flows.actions import FLOW_CHANGED, FLOW_CREATED, FLOW_DELETED, FLOW_OWNER_CHANGED, FLOW_RESTORED
from flows.models import Flow, FlowTag
from flows.models.flows import folded
from flows.operations.objects import whole_write
from flows.operations.versions import FIRST, Content, add_version, checked, next_version
from scaiflow.kit import audit, conditions
from scaiflow.kit.conditions import Conditions
from scaiflow.kit.errors import NotFound, Precondition
from tenants.models import User
from tenants.principals import Principal


class StaleVersion(Precondition):
    """Somebody saved since the caller last read."""

    error = "stale_version"


class UnwantedState(Precondition):
    """The caller asked for nothing to happen while the flow is as it is (`If-None-Match`)."""

    error = "precondition_failed"


def create_flow(
    *, by: Principal, name: str, description: str, content: Content, tags: Sequence[str] = (), origin: str | None = None
) -> Flow:
    """`origin` tells the audit log where the content came from. Raises TooLarge, Unprocessable, Unavailable."""
    body = checked(content)
    now = timezone.now()
    with whole_write() as writes:
        flow = Flow.objects.create(
            tenant_id=by.tenant_id, owner_id=by.sub, name=name, name_folded=name.casefold(),
            description=description, search_folded=_searched(name, description), tags=list(tags), version=FIRST,
            created_at=now, updated_at=now,
        )  # fmt: skip
        _add_tags(flow)
        add_version(flow=flow, version=FIRST, body=body, author_id=by.sub, writes=writes)
        _write_down(FLOW_CREATED, flow, by, {}, _facts(flow) | {"origin": origin})
    return flow


def update_flow(*, flow: Flow, by: Principal, conditions: Conditions = conditions.NONE, **changes: Any) -> Flow:
    """`changes` are any of name, description, tags, content; content makes a new version on top of the newest.

    Raises StaleVersion, UnwantedState, NotFound, TooLarge, Unprocessable, Unavailable."""
    body = checked(changes["content"]) if "content" in changes else None
    with whole_write() as writes:
        locked = _locked(flow)
        check_conditions(locked, conditions)
        before = _facts(locked)
        _apply(locked, changes)
        if body is not None:
            locked.version = next_version(locked.version)
            add_version(flow=locked, version=locked.version, body=body, author_id=by.sub, writes=writes)
        _touch(locked)
        _write_down(FLOW_CHANGED, locked, by, before, _facts(locked))
    return locked


def delete_flow(*, flow: Flow, by: Principal, conditions: Conditions = conditions.NONE) -> None:
    """Soft: the versions and their objects stay. Raises NotFound, StaleVersion, UnwantedState."""
    with transaction.atomic():
        locked = _locked(flow)
        check_conditions(locked, conditions)
        before, locked.deleted_at = _facts(locked), timezone.now()
        _touch(locked)
        _write_down(FLOW_DELETED, locked, by, before, _facts(locked))


def restore_flow(*, flow: Flow, by: Principal) -> Flow:
    """A flow that lives already stays as it is, so that asking twice does no harm. Raises NotFound."""
    with transaction.atomic():
        locked = _locked(flow, deleted=True)
        if locked.deleted_at:
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


def check_conditions(flow: Flow, conditions: Conditions) -> None:
    """Raises StaleVersion, UnwantedState."""
    state: dict[str, Any] = {"headers": {"ETag": flow.etag}, "current_version": flow.version, "etag": flow.etag}
    if conditions.misses(flow.etag):
        raise StaleVersion("somebody saved this flow since you read it; read it again and repeat your change", **state)
    if conditions.knows(flow.etag):
        raise UnwantedState("If-None-Match names the state that the flow is in, so nothing was changed", **state)


def _apply(flow: Flow, changes: dict[str, Any]) -> None:
    flow.name = changes.get("name", flow.name)
    flow.description = changes.get("description", flow.description)
    flow.name_folded, flow.search_folded = flow.name.casefold(), _searched(flow.name, flow.description)
    if "tags" in changes and changes["tags"] != flow.tags:
        flow.tags = list(changes["tags"])
        flow.tag_rows.all().delete()
        _add_tags(flow)


def _searched(name: str, description: str) -> str:
    return folded(f"{name}\n{description}")


def _add_tags(flow: Flow) -> None:
    FlowTag.objects.bulk_create(FlowTag(flow=flow, tag=tag) for tag in flow.tags)


def _facts(flow: Flow) -> dict[str, Any]:
    """What the audit log compares. The content is told by its version; it can be read there."""
    deleted_at = flow.deleted_at.isoformat() if flow.deleted_at else None
    names = ("name", "description", "tags", "version", "owner_id")
    return {**{name: getattr(flow, name) for name in names}, "deleted_at": deleted_at}


def _write_down(action: str, flow: Flow, by: Principal, before: dict[str, Any], after: dict[str, Any]) -> None:
    audit.record(
        action=action, tenant_id=flow.tenant_id, actor_id=by.sub, object_type="flow", object_id=flow.id,
        changes=audit.difference(before, after),
    )  # fmt: skip


def _locked(flow: Flow, *, deleted: bool = False) -> Flow:
    rows = Flow.objects.all() if deleted else Flow.objects.living()
    found = rows.select_for_update().filter(id=flow.id).first()
    if found is None:
        raise NotFound("flow not found")
    return found


def _touch(flow: Flow) -> None:
    """Time only moves on, also when the clock does not: newest-first lists depend on it."""
    flow.revision += 1
    flow.updated_at = max(timezone.now(), flow.updated_at)
    flow.save()
