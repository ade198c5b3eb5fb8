"""Flows: made, changed, deleted and brought back, each in one transaction."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from flows.models import Flow
from flows.operations.objects import whole_write
from flows.operations.versions import FIRST, Content, add_version, checked, next_version
from scaiflow.kit.errors import NotFound, Precondition
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
    return flow


def update_flow(*, flow: Flow, by: Principal, if_match: str | None = None, **changes: Any) -> Flow:
    """`changes` are any of name, description, content; content makes a new version on top of the newest.

    Raises StaleVersion (`if_match` is an ETag that is not the newest), NotFound, TooLarge, Unprocessable, Unavailable."""
    body = checked(changes["content"]) if "content" in changes else None
    with whole_write() as writes:
        locked = _locked(flow)
        _check_fresh(locked, if_match)
        if "name" in changes:
            locked.name, locked.name_folded = changes["name"], changes["name"].casefold()
        locked.description = changes.get("description", locked.description)
        if body is not None:
            locked.version = next_version(locked.version)
            add_version(flow=locked, version=locked.version, body=body, author_id=by.sub, writes=writes)
        _touch(locked)
    return locked


def delete_flow(*, flow: Flow) -> None:
    """Soft: the versions and their objects stay. Raises NotFound."""
    with transaction.atomic():
        locked = _locked(flow)
        locked.deleted_at = timezone.now()
        _touch(locked)


def restore_flow(*, flow: Flow) -> Flow:
    """Raises NotFound when there is nothing to bring back (any more)."""
    with transaction.atomic():
        locked = _locked(flow, deleted=True)
        locked.deleted_at = None
        _touch(locked)
    return locked


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
