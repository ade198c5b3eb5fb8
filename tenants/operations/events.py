"""Single changes to the mirror, as ScaiKey tells of them while they happen, in whatever order they arrive.

Each is applied only when it is not older than what the row was last told (`source_at`); the answer says whether it was.
What ends before it was known leaves its row as ended, so that a late beginning does not bring it to life. Call these
inside a transaction: each writes its line into the audit log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from scaiflow.kit import audit
from scaiflow.upstream import scaikey
from tenants.actions import GROUP_MIRRORED, MEMBERSHIP_MIRRORED, SYSTEM, USER_MIRRORED
from tenants.models import Group, Membership, User
from tenants.operations.mirror import facts_of, update_user
from tenants.operations.super_admins import reconcile_super_admins

Row = User | Group | Membership


def upsert_user(*, about: dict[str, Any], tenant_id: str, at: datetime) -> bool:
    """`about` may tell a part only; what it is silent about stays."""
    person = scaikey.person_of(about, tenant_id)
    user = _locked(User, id=person.id) or User(id=person.id, tenant_id=tenant_id)
    if _is_stale(user, at):
        return False
    before = facts_of(user)
    update_user(user, person, at)
    return _keep(user, before, USER_MIRRORED, "user", user.id)


def delete_user(*, user_id: str, tenant_id: str, at: datetime) -> bool:
    """Soft: the role and the audit log stay."""
    user = _locked(User, id=user_id) or User(id=user_id, tenant_id=tenant_id)
    return _end(user, tenant_id, at, USER_MIRRORED, "user", user_id)


def upsert_group(*, about: dict[str, Any], tenant_id: str, at: datetime) -> bool:
    team = scaikey.team_of(about, tenant_id)
    group = _locked(Group, id=team.id) or Group(id=team.id, tenant_id=tenant_id)
    if _is_stale(group, at):
        return False
    before = facts_of(group)
    group.tenant_id, group.name = team.tenant_id, team.name or group.name
    group.deleted_at, group.source_at = None, at
    return _keep(group, before, GROUP_MIRRORED, "group", group.id)


def delete_group(*, group_id: str, tenant_id: str, at: datetime) -> bool:
    group = _locked(Group, id=group_id) or Group(id=group_id, tenant_id=tenant_id)
    return _end(group, tenant_id, at, GROUP_MIRRORED, "group", group_id)


def add_member(*, group_id: str, user_id: str, tenant_id: str, at: datetime) -> bool:
    """Before the group or the user are known, too: the membership waits for them."""
    row = _membership(group_id, user_id, tenant_id)
    if _is_stale(row, at):
        return False
    before = facts_of(row)
    row.tenant_id, row.deleted_at, row.source_at = tenant_id, None, at
    return _keep(row, before, MEMBERSHIP_MIRRORED, "membership", f"{group_id}/{user_id}")


def remove_member(*, group_id: str, user_id: str, tenant_id: str, at: datetime) -> bool:
    row = _membership(group_id, user_id, tenant_id)
    return _end(row, tenant_id, at, MEMBERSHIP_MIRRORED, "membership", f"{group_id}/{user_id}")


def _end(row: Row, tenant_id: str, at: datetime, action: str, object_type: str, object_id: str) -> bool:
    """A row of another tenant stays as it is: nobody's end is told by somebody else's tenant."""
    if _is_stale(row, at) or row.tenant_id != tenant_id:
        return False
    before = facts_of(row)
    row.deleted_at, row.source_at = row.deleted_at or timezone.now(), at
    return _keep(row, before, action, object_type, object_id)


def _keep(row: Row, before: dict[str, Any], action: str, object_type: str, object_id: str) -> bool:
    # Who was told of by somebody else at this moment is no longer new: that raises, and is read and compared again.
    row.save(force_insert=row._state.adding)  # noqa: SLF001  Django's own word for "not in the database yet"
    changes = audit.difference(before, facts_of(row))
    audit.record(
        action=action, tenant_id=row.tenant_id, actor_id=SYSTEM, object_type=object_type, object_id=object_id,
        changes=changes,
    )  # fmt: skip
    reconcile_super_admins()
    return True


def _locked(model: Any, **key: str) -> Any:
    return model.objects.select_for_update().filter(**key).first()


def _membership(group_id: str, user_id: str, tenant_id: str) -> Membership:
    found: Membership | None = _locked(Membership, group_id=group_id, user_id=user_id)
    return found or Membership(group_id=group_id, user_id=user_id, tenant_id=tenant_id)


def _is_stale(row: Row, at: datetime) -> bool:
    return row.source_at is not None and at < row.source_at
