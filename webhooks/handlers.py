"""What each type of event does to the mirror. A handler says in a word what became of the event; nothing in it is
applied over what the mirror has from a later time."""

from __future__ import annotations

from collections.abc import Callable

from tenants.operations.events import (
    add_member,
    delete_group,
    delete_user,
    remove_member,
    upsert_group,
    upsert_user,
)
from webhooks.events import Event, subject_of

APPLIED, STALE, INCOMPLETE, UNKNOWN = "applied", "older than the mirror", "names no object or tenant", "unknown type"
WAITS = "will be applied"
Handler = Callable[[Event], str]
STATUS = {"user.suspended": "SUSPENDED", "user.activated": "ACTIVE"}


def handle(event: Event) -> str:
    """The outcome, in words. `APPLIED` means that the mirror has what the event tells, `WAITS` that ScaiKey has to be asked
    first (waiting.py)."""
    handler = HANDLERS.get(event.type)
    return handler(event) if handler else UNKNOWN


def _user_changed(event: Event) -> str:
    user_id, status = _own_id(event), STATUS.get(event.type)
    if not (user_id and event.tenant_id):
        return INCOMPLETE
    about = event.about | {"id": user_id} | ({"status": status} if status else {})
    return _word(upsert_user(about=about, tenant_id=event.tenant_id, at=event.at))


def _user_deleted(event: Event) -> str:
    user_id = _own_id(event)
    if not (user_id and event.tenant_id):
        return INCOMPLETE
    return _word(delete_user(user_id=user_id, tenant_id=event.tenant_id, at=event.at))


def _group_changed(event: Event) -> str:
    group_id = _own_id(event)
    if not (group_id and event.tenant_id):
        return INCOMPLETE
    return _word(upsert_group(about=event.about | {"id": group_id}, tenant_id=event.tenant_id, at=event.at))


def _group_deleted(event: Event) -> str:
    group_id = _own_id(event)
    if not (group_id and event.tenant_id):
        return INCOMPLETE
    return _word(delete_group(group_id=group_id, tenant_id=event.tenant_id, at=event.at))


def _member_added(event: Event) -> str:
    group_id, user_id = subject_of(event, "group"), subject_of(event, "user")
    if not (group_id and user_id and event.tenant_id):
        return INCOMPLETE
    return _word(add_member(group_id=group_id, user_id=user_id, tenant_id=event.tenant_id, at=event.at))


def _member_removed(event: Event) -> str:
    group_id, user_id = subject_of(event, "group"), subject_of(event, "user")
    if not (group_id and user_id and event.tenant_id):
        return INCOMPLETE
    return _word(remove_member(group_id=group_id, user_id=user_id, tenant_id=event.tenant_id, at=event.at))


def _application_changed(event: Event) -> str:
    return WAITS if event.tenant_id else INCOMPLETE


def _own_id(event: Event) -> str:
    found = event.about.get("id")
    return found[:128] if isinstance(found, str) else subject_of(event, event.type.partition(".")[0])


def _word(applied: bool) -> str:
    return APPLIED if applied else STALE


HANDLERS: dict[str, Handler] = {
    "user.created": _user_changed,
    "user.updated": _user_changed,
    "user.suspended": _user_changed,
    "user.activated": _user_changed,
    "user.deleted": _user_deleted,
    "group.created": _group_changed,
    "group.updated": _group_changed,
    "group.deleted": _group_deleted,
    "group_membership.added": _member_added,
    "group.member_added": _member_added,
    "group_membership.removed": _member_removed,
    "group.member_removed": _member_removed,
    "application.group_assigned": _application_changed,
    "application.group_unassigned": _application_changed,
}
