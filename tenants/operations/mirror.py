"""The mirror brought up to date with what ScaiKey told of one tenant, in one transaction.

A row that a webhook has changed since the list was fetched (`source_at`) is newer than the list and stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from scaiflow.kit import audit
from scaiflow.upstream.scaikey import Person
from tenants.actions import MIRROR_SYNCED, ROLE_REVOKED, SYSTEM
from tenants.models import Group, Membership, User
from tenants.operations.directory import Roll
from tenants.roles import AdminRole

BATCH = 500
MOST_NAMED = 200


@dataclass
class Done:
    """What was done, counted for the report, and named (up to MOST_NAMED of each) for the audit log."""

    counts: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[Any]] = field(default_factory=dict)

    def note(self, what: str, names: Iterable[Any]) -> None:
        found = list(names)
        self.counts[what] = len(found)
        if found:
            self.named[what] = sorted(found, key=str)[:MOST_NAMED]


def apply(
    roll: Roll, *, force: bool, users_only: bool = False, actor_id: str = SYSTEM
) -> tuple[Counter[str], bool]:  # fmt: skip
    """What was done, and whether a list was so short that nobody was deleted. (spec: upstreams.md, Mirror)"""
    done = Done()
    with transaction.atomic():
        shrunk = not force and _is_shrunk(roll, users_only)
        _apply_users(roll, done, actor_id)
        if not users_only:
            _apply_groups(roll, done)
            _apply_memberships(roll, done)
        if not shrunk:
            _delete_missing(roll, users_only, done)
        if done.named:
            numbers = {name: done.counts[name] for name in done.named}
            audit.record(
                action=MIRROR_SYNCED, tenant_id=roll.tenant_id, actor_id=actor_id, object_type="mirror",
                object_id=roll.tenant_id, changes={**numbers, "method": roll.method, "names": done.named},
            )  # fmt: skip
    return done.counts, shrunk


def _apply_users(roll: Roll, done: Done, actor_id: str) -> None:
    known = User.objects.select_for_update().in_bulk(list(roll.users))
    fresh = [
        User(id=person.id, source_at=roll.at, last_synced_at=roll.at, **_facts(person))
        for person in roll.users.values()
        if person.id not in known
    ]
    current = [user for user in known.values() if not _is_newer(user.source_at, roll.at)]
    done.counts["users_seen"] = len(roll.users)
    done.note("users_added", [user.id for user in fresh])
    done.note("users_undeleted", [user.id for user in current if user.deleted_at])
    differences = []
    for user in current:
        before = facts_of(user)
        update_user(user, roll.users[user.id], roll.at, actor_id)
        user.last_synced_at = roll.at
        if difference := audit.difference(before, facts_of(user)):
            differences.append({"id": user.id, **difference})
    done.note("users_changed", differences)
    # A webhook may have told of somebody since we looked: that is newer, and stays.
    User.objects.bulk_create(fresh, batch_size=BATCH, ignore_conflicts=True)
    fields = ["tenant_id", "email", "display_name", "status", "admin_role", "admin_role_source"]
    User.objects.bulk_update(current, [*fields, "deleted_at", "source_at", "last_synced_at"], batch_size=BATCH)


def facts_of(row: models.Model) -> dict[str, Any]:
    """What the audit log compares of a user, a group or a membership; nothing of one that is not in the database yet."""
    if row._state.adding:  # noqa: SLF001  Django's own word for it
        return {}
    names = ("email", "display_name", "name", "status", "tenant_id", "admin_role")
    facts = {name: getattr(row, name) for name in names if hasattr(row, name)}
    return facts | {"is_deleted": getattr(row, "deleted_at", None) is not None}


def update_user(user: User, person: Person, at: datetime, actor_id: str = SYSTEM) -> None:
    """Set what ScaiKey tells; what it is silent about stays. Who has moved to another tenant is nobody's admin there."""
    if user.tenant_id != person.tenant_id and user.admin_role == AdminRole.TENANT_ADMIN:
        changes = {"admin_role": [user.admin_role, None], "moved_to": person.tenant_id}
        user.admin_role = user.admin_role_source = None
        audit.record(
            action=ROLE_REVOKED, tenant_id=user.tenant_id, actor_id=actor_id, object_type="user", object_id=user.id,
            changes=changes,
        )  # fmt: skip
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


def _apply_groups(roll: Roll, done: Done) -> None:
    known = Group.objects.select_for_update().in_bulk(list(roll.groups))
    stamps = {"source_at": roll.at, "last_synced_at": roll.at}
    fresh = [
        Group(id=team.id, tenant_id=team.tenant_id, name=team.name, **stamps)
        for team in roll.groups.values()
        if team.id not in known
    ]
    current = [group for group in known.values() if not _is_newer(group.source_at, roll.at)]
    done.counts["groups_seen"] = len(roll.groups)
    done.note("groups_added", [group.id for group in fresh])
    done.note("groups_undeleted", [group.id for group in current if group.deleted_at])
    differences = []
    for group in current:
        team, before = roll.groups[group.id], facts_of(group)
        group.tenant_id, group.name, group.deleted_at = team.tenant_id, team.name or group.name, None
        group.source_at = group.last_synced_at = roll.at
        if difference := audit.difference(before, facts_of(group)):
            differences.append({"id": group.id, **difference})
    done.note("groups_changed", differences)
    Group.objects.bulk_create(fresh, batch_size=BATCH, ignore_conflicts=True)
    fields = ["tenant_id", "name", "deleted_at", "source_at", "last_synced_at"]
    Group.objects.bulk_update(current, fields, batch_size=BATCH)


def _apply_memberships(roll: Roll, done: Done) -> None:
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
    done.counts["memberships_seen"] = len(roll.memberships)
    done.note("memberships_added", [*map(_pair, fresh), *(_pair(row) for row in current if row.deleted_at)])
    for row in current:
        row.deleted_at, row.source_at = None, roll.at
    Membership.objects.bulk_create(fresh, batch_size=BATCH, ignore_conflicts=True)
    Membership.objects.bulk_update(current, ["deleted_at", "source_at"], batch_size=BATCH)


def _pair(row: Membership) -> str:
    return f"{row.group_id}/{row.user_id}"


def _is_shrunk(roll: Roll, users_only: bool) -> bool:
    """A list that is empty or less than half of the mirror is more likely a mistake than the truth."""
    lists: list[tuple[int, type[models.Model]]] = [(len(roll.users), User)]
    if not users_only:
        lists += [(len(roll.groups), Group), (len(roll.memberships), Membership)]
    return any(_is_too_short(seen, _living(model, roll.tenant_id).count()) for seen, model in lists)


def _is_too_short(seen: int, living: int) -> bool:
    return living > 0 and seen * 2 < living


def _delete_missing(roll: Roll, users_only: bool, done: Done) -> None:
    done.note("users_soft_deleted", _end(User, roll, roll.users))
    if users_only:
        return
    done.note("groups_soft_deleted", _end(Group, roll, roll.groups))
    gone = [
        row
        for row in _living(Membership, roll.tenant_id)
        if (row.group_id, row.user_id) not in roll.memberships and not _is_newer(row.source_at, roll.at)
    ]
    done.note("memberships_soft_deleted", map(_pair, gone))
    keys = [row.pk for row in gone]
    for start in range(0, len(keys), BATCH):
        Membership.objects.filter(pk__in=keys[start : start + BATCH]).update(deleted_at=roll.at, source_at=roll.at)


def _end(model: type[models.Model], roll: Roll, named: Iterable[str]) -> list[str]:
    """Soft-delete the living that are not named; roles, entries and audit stay. Their ids."""
    kept = set(named)
    rows = _living(model, roll.tenant_id).filter(Q(source_at=None) | Q(source_at__lte=roll.at))
    gone = [key for key in rows.values_list("pk", flat=True) if key not in kept]
    for start in range(0, len(gone), BATCH):
        rows.filter(pk__in=gone[start : start + BATCH]).update(deleted_at=roll.at, source_at=roll.at)
    return gone


def _living(model: Any, tenant_id: str) -> models.QuerySet[Any]:
    found: models.QuerySet[Any] = model.objects.filter(tenant_id=tenant_id, deleted_at=None)
    return found


def _is_newer(source_at: datetime | None, at: datetime) -> bool:
    return source_at is not None and source_at > at
