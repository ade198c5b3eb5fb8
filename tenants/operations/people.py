"""People of the mirror, as ScaiKey tells of them."""

from __future__ import annotations

from django.utils import timezone

from tenants.models import Membership, User
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
    user: User = User.objects.update_or_create(id=user_id, defaults=known)[0]
    return user


def group_ids_of(principal: Principal) -> list[str]:
    """The groups that the principal is in, as the mirror has them."""
    found = Membership.objects.of(user_id=principal.sub, tenant_id=principal.tenant_id)
    return sorted(found.values_list("group_id", flat=True))
