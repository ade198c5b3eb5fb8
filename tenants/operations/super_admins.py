"""Super admins by group: whoever is in one of SCAIFLOW_SUPER_ADMIN_GROUPS is one, and is none when they leave it.

A role that people gave (`manual`, `bootstrap`) is never touched. A group that is configured by name counts only while one
group alone has that name: any tenant may name its groups as it likes, and must not make super admins that way.
"""

from __future__ import annotations

from collections import Counter

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from scaiflow.kit import audit
from tenants.actions import ROLE_GRANTED, ROLE_REVOKED, SYSTEM
from tenants.models import Group, Membership, User
from tenants.roles import AdminRole, RoleSource

log = structlog.get_logger(__name__)


def reconcile_super_admins() -> Counter[str]:
    """`super_admins_group_promoted` and `..._demoted`; nobody is either while a configured name is ambiguous."""
    with transaction.atomic():
        group_ids = _super_groups()
        if group_ids is None:
            return Counter()
        members = Membership.objects.living().filter(group_id__in=group_ids).values("user_id")
        entitled = User.objects.living().filter(id__in=members)
        promoted = entitled.filter(
            Q(admin_role=None) | Q(admin_role_source=RoleSource.GROUP) & ~Q(admin_role=AdminRole.SUPER_ADMIN)
        )
        demoted = User.objects.filter(
            admin_role=AdminRole.SUPER_ADMIN, admin_role_source=RoleSource.GROUP, deleted_at=None
        ).exclude(id__in=members)
        return Counter(
            super_admins_group_promoted=_set(list(promoted), AdminRole.SUPER_ADMIN),
            super_admins_group_demoted=_set(list(demoted), None),
        )


def _super_groups() -> list[str] | None:
    """The ids of the groups that are meant, or None when a name means more than one."""
    wanted = settings.SUPER_ADMIN_GROUPS
    found = list(Group.objects.living().filter(Q(id__in=wanted) | Q(name__in=wanted)))
    by_id = {group.id for group in found if group.id in wanted}
    names = Counter(group.name for group in found if group.id not in by_id)
    taken_twice = [name for name, number in names.items() if number > 1]
    if taken_twice:
        log.error("super admin group is ambiguous; configure its id", name=taken_twice[0])
        return None
    return [group.id for group in found]


def _set(users: list[User], role: AdminRole | None) -> int:
    for user in users:
        before = user.admin_role
        user.admin_role, user.admin_role_source = role, RoleSource.GROUP if role else None
        user.save(update_fields=["admin_role", "admin_role_source"])
        audit.record(
            action=ROLE_GRANTED if role else ROLE_REVOKED, tenant_id=user.tenant_id, actor_id=SYSTEM,
            object_type="user", object_id=user.id, changes={"admin_role": [before, role], "source": RoleSource.GROUP},
        )  # fmt: skip
    return len(users)
