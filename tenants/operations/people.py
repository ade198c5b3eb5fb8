"""People of the mirror, as ScaiKey tells of them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from scaiflow.kit import audit
from tenants.actions import SYSTEM, USER_MIRRORED
from tenants.models import Group, Membership, User
from tenants.operations.admin_roles import require_super_admin, require_tenant_admin
from tenants.operations.mirror import facts_of
from tenants.principals import Principal
from tenants.roles import AdminRole, RoleSource


def remember_person(
    *, user_id: str, tenant_id: str, email: str, display_name: str, admin_role: AdminRole | None = None
) -> User:
    """Put this person into the mirror, or bring the mirror up to date. A role is added, never taken away."""
    known = {
        "tenant_id": tenant_id, "email": email, "display_name": display_name, "status": "ACTIVE",
        "deleted_at": None, "last_synced_at": timezone.now(),
    }  # fmt: skip
    if admin_role:
        known |= {"admin_role": admin_role, "admin_role_source": RoleSource.BOOTSTRAP}
    with transaction.atomic():
        user = User.objects.select_for_update().filter(id=user_id).first() or User(id=user_id)
        before = facts_of(user)
        for name, value in known.items():
            setattr(user, name, value)
        user.save()
        _write_down(user, audit.difference(before, facts_of(user)))
    return user


def _write_down(user: User, changes: dict[str, Any]) -> None:
    """Nothing where nothing is new: demonstrations are begun again and again."""
    if changes:
        audit.record(
            action=USER_MIRRORED, tenant_id=user.tenant_id, actor_id=SYSTEM, object_type="user", object_id=user.id,
            changes=changes,
        )  # fmt: skip


def known_person(*, user_id: str, tenant_id: str) -> User | None:
    """Somebody of the mirror who is not shut out. (There is one issuer, ScaiKey, so its subject is the whole key.)"""
    user: User | None = User.objects.filter(id=user_id, tenant_id=tenant_id).first()
    return user if user and user.is_active else None


def group_ids_of(principal: Principal) -> list[str]:
    """The groups that the principal is in, as the mirror has them."""
    found = Membership.objects.of(user_id=principal.sub, tenant_id=principal.tenant_id)
    return sorted(found.values_list("group_id", flat=True))


def tenant_of_interest(by: Principal, tenant_id: str) -> str:
    """The tenant that an admin looks at: their own, unless a super admin names another. Raises NotAllowed."""
    require_tenant_admin(by)
    if tenant_id and tenant_id != by.tenant_id:
        require_super_admin(by)
    return tenant_id or by.tenant_id


def everybody(*, by: Principal) -> QuerySet[User]:
    """All of all tenants, also the deleted. Raises NotAllowed."""
    require_super_admin(by)
    found: QuerySet[User] = User.objects.order_by("tenant_id", "id")
    return found


def people_of_tenant(*, by: Principal, tenant_id: str) -> QuerySet[User]:
    """Raises NotAllowed."""
    found: QuerySet[User] = User.objects.filter(tenant_id=tenant_of_interest(by, tenant_id)).order_by("id")
    return found


def groups_of_tenant(*, by: Principal, tenant_id: str) -> QuerySet[Group]:
    """The living ones by name, each with `members`, the number of people in it. Raises NotAllowed."""
    groups = Group.objects.living().filter(tenant_id=tenant_of_interest(by, tenant_id))
    living = Q(memberships__deleted_at=None, memberships__user__deleted_at=None)
    found: QuerySet[Group] = groups.annotate(members=Count("memberships", filter=living)).order_by("name", "id")
    return found


def tenants_in_mirror(*, by: Principal) -> dict[str, dict[str, int]]:
    """`{tenant_id: {users, groups}}`, the living counted. Raises NotAllowed."""
    require_super_admin(by)
    counts: dict[str, dict[str, int]] = {}
    for name, model in (("users", User), ("groups", Group)):
        rows = model.objects.living().order_by().values_list("tenant_id").annotate(Count("pk"))
        for tenant_id, number in rows:
            counts.setdefault(tenant_id, {"users": 0, "groups": 0})[name] = number
    return counts
