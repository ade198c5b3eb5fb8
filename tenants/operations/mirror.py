"""The mirror brought up to date with what ScaiKey told of one tenant, in one transaction.

A row that a webhook has changed since the list was fetched (`source_at`) is newer than the list and stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from scaiflow.kit import audit
from scaiflow.upstream.scaikey import Person
from tenants.actions import MIRROR_SYNCED, SYSTEM
from tenants.models import Group, Membership, User
from tenants.operations.directory import Roll
from tenants.roles import AdminRole

BATCH = 500
Counts = Counter[str]


def apply(roll: Roll, *, force: bool, users_only: bool = False) -> tuple[Counts, bool]:
    """What was done, and whether a list was so short that nobody was deleted. (spec: upstreams.md, Mirror)"""
    with transaction.atomic():
        shrunk = not force and _is_shrunk(roll, users_only)
        counts = _apply_users(roll)
        if not users_only:
            counts += _apply_groups(roll) + _apply_memberships(roll)
        if not shrunk:
            counts += _delete_missing(roll, users_only)
        changes = {name: number for name, number in counts.items() if not name.endswith("_seen") and number}
        if changes:
            audit.record(
                action=MIRROR_SYNCED, tenant_id=roll.tenant_id, actor_id=SYSTEM, object_type="mirror",
                object_id=roll.tenant_id, changes={**changes, "method": roll.method},
            )  # fmt: skip
    return counts, shrunk


def _apply_users(roll: Roll) -> Counts:
    known = User.objects.select_for_update().in_bulk(list(roll.users))
    fresh = [
        User(id=person.id, source_at=roll.at, last_synced_at=roll.at, **_facts(person))
        for person in roll.users.values()
        if person.id not in known
    ]
    changed, back = [], 0
    for user in known.values():
        if _is_newer(user.source_at, roll.at):
            continue
        back += user.deleted_at is not None
        update_user(user, roll.users[user.id], roll.at)
        user.last_synced_at = roll.at
        changed.append(user)
    User.objects.bulk_create(fresh, batch_size=BATCH)
    fields = ["tenant_id", "email", "display_name", "status", "admin_role", "admin_role_source"]
    User.objects.bulk_update(changed, [*fields, "deleted_at", "source_at", "last_synced_at"], batch_size=BATCH)
    return Counter(users_seen=len(roll.users), users_added=len(fresh), users_undeleted=back)


def update_user(user: User, person: Person, at: datetime) -> None:
    """Set what ScaiKey tells; what it is silent about stays. Who has moved to another tenant is nobody's admin there."""
    if user.tenant_id != person.tenant_id and user.admin_role == AdminRole.TENANT_ADMIN:
        user.admin_role = user.admin_role_source = None
    user.tenant_id = person.tenant_id
    user.email = person.email or user.email
    user.display_name = person.display_name or user.display_name
    user.status = person.status or user.status
    user.deleted_at, user.source_at = None, at


def _facts(person: Person) -> dict[str, str]:
    return {
        "tenant_id": person.tenant_id, "email": person.email, "display_name": person.display_name,
        "status": person.status or "ACTIVE",
    }  # fmt: skip


def _apply_groups(roll: Roll) -> Counts:
    known = Group.objects.select_for_update().in_bulk(list(roll.groups))
    stamps = {"source_at": roll.at, "last_synced_at": roll.at}
    fresh = [
        Group(id=team.id, tenant_id=team.tenant_id, name=team.name, **stamps)
        for team in roll.groups.values()
        if team.id not in known
    ]
    changed, back = [], 0
    for group in known.values():
        if _is_newer(group.source_at, roll.at):
            continue
        back += group.deleted_at is not None
        team = roll.groups[group.id]
        group.tenant_id, group.name, group.deleted_at = team.tenant_id, team.name or group.name, None
        group.source_at = group.last_synced_at = roll.at
        changed.append(group)
    Group.objects.bulk_create(fresh, batch_size=BATCH)
    fields = ["tenant_id", "name", "deleted_at", "source_at", "last_synced_at"]
    Group.objects.bulk_update(changed, fields, batch_size=BATCH)
    return Counter(groups_seen=len(roll.groups), groups_added=len(fresh), groups_undeleted=back)


def _apply_memberships(roll: Roll) -> Counts:
    known = {
        (row.group_id, row.user_id): row
        for row in Membership.objects.select_for_update().filter(tenant_id=roll.tenant_id)
    }
    fresh = [
        Membership(group_id=group_id, user_id=user_id, tenant_id=roll.tenant_id, source_at=roll.at)
        for group_id, user_id in roll.memberships
        if (group_id, user_id) not in known
    ]
    present = [known[pair] for pair in roll.memberships if pair in known]
    current = [row for row in present if not _is_newer(row.source_at, roll.at)]
    back = sum(row.deleted_at is not None for row in current)
    for row in current:
        row.deleted_at, row.source_at = None, roll.at
    Membership.objects.bulk_create(fresh, batch_size=BATCH)
    Membership.objects.bulk_update(current, ["deleted_at", "source_at"], batch_size=BATCH)
    return Counter(memberships_seen=len(roll.memberships), memberships_added=len(fresh) + back)


def _is_shrunk(roll: Roll, users_only: bool) -> bool:
    """A list that is empty or less than half of the mirror is more likely a mistake than the truth."""
    lists: list[tuple[int, type[models.Model]]] = [(len(roll.users), User)]
    if not users_only:
        lists += [(len(roll.groups), Group), (len(roll.memberships), Membership)]
    return any(_is_too_short(seen, _living(model, roll.tenant_id).count()) for seen, model in lists)


def _is_too_short(seen: int, living: int) -> bool:
    return living > 0 and seen * 2 < living


def _delete_missing(roll: Roll, users_only: bool) -> Counts:
    counts = Counter(users_soft_deleted=_end(User, roll, roll.users))
    if users_only:
        return counts
    gone = [
        row.pk
        for row in _living(Membership, roll.tenant_id)
        if (row.group_id, row.user_id) not in roll.memberships and not _is_newer(row.source_at, roll.at)
    ]
    counts["groups_soft_deleted"] = _end(Group, roll, roll.groups)
    counts["memberships_soft_deleted"] = len(gone)
    for start in range(0, len(gone), BATCH):
        Membership.objects.filter(pk__in=gone[start : start + BATCH]).update(deleted_at=roll.at, source_at=roll.at)
    return counts


def _end(model: type[models.Model], roll: Roll, named: Iterable[str]) -> int:
    """Soft-delete the living that are not named; roles, entries and audit stay. The number of them."""
    kept = set(named)
    rows = _living(model, roll.tenant_id).filter(Q(source_at=None) | Q(source_at__lte=roll.at))
    gone = [key for key in rows.values_list("pk", flat=True) if key not in kept]
    for start in range(0, len(gone), BATCH):
        rows.filter(pk__in=gone[start : start + BATCH]).update(deleted_at=roll.at, source_at=roll.at)
    return len(gone)


def _living(model: Any, tenant_id: str) -> models.QuerySet[Any]:
    found: models.QuerySet[Any] = model.objects.filter(tenant_id=tenant_id, deleted_at=None)
    return found


def _is_newer(source_at: datetime | None, at: datetime) -> bool:
    return source_at is not None and source_at > at
