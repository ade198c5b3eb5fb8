"""Admin roles: who gives them to whom. (spec: api.md, Admin)

A super admin gives either role to anybody; a tenant admin gives and takes `tenant_admin` in their own tenant. The last
super admin stays one.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from scaiflow.kit import audit
from scaiflow.kit.errors import Conflict, NotAllowed, NotFound, Unseen
from tenants.actions import ROLE_GRANTED, ROLE_REVOKED, SYSTEM
from tenants.models import User
from tenants.principals import Principal
from tenants.roles import AdminRole, RoleSource


def grant_role(*, by: Principal, user_id: str, role: AdminRole) -> None:
    """Raises NotAllowed, NotFound, Conflict (the last super admin would be none)."""
    with transaction.atomic():
        user = _user_for(by, user_id)
        if role == AdminRole.SUPER_ADMIN or user.admin_role == AdminRole.SUPER_ADMIN:
            require_super_admin(by)
        if role != AdminRole.SUPER_ADMIN:
            _keep_one_super_admin(user)
        _set(user, role, RoleSource.MANUAL, by.sub)


def revoke_role(*, by: Principal, user_id: str) -> None:
    """Raises NotAllowed, NotFound, Conflict."""
    with transaction.atomic():
        user = _user_for(by, user_id)
        if user.admin_role == AdminRole.SUPER_ADMIN:
            require_super_admin(by)
            _keep_one_super_admin(user)
        _set(user, None, None, by.sub)


def bootstrap_role(*, user: User, role: AdminRole) -> None:
    """From the command line of the machine itself. Raises Conflict (the last super admin would be none)."""
    with transaction.atomic():
        locked = User.objects.select_for_update().get(id=user.id)
        if role != AdminRole.SUPER_ADMIN:
            _keep_one_super_admin(locked)
        _set(locked, role, RoleSource.BOOTSTRAP, SYSTEM)


def require_super_admin(by: Principal) -> None:
    if not by.is_super_admin:
        raise NotAllowed("role 'super_admin' is missing")


def require_tenant_admin(by: Principal) -> None:
    if by.admin_role not in AdminRole.values:
        raise NotAllowed("role 'tenant_admin' or 'super_admin' is missing")


def _user_for(by: Principal, user_id: str) -> User:
    """Locked, and all super admins with them in one order, so that no two of them wait for each other."""
    require_tenant_admin(by)
    concerned = User.objects.living().filter(Q(id=user_id) | Q(admin_role=AdminRole.SUPER_ADMIN))
    locked = concerned.select_for_update().order_by("id")
    user: User | None = next((each for each in locked if each.id == user_id), None)
    if user is None:
        raise NotFound("user not found")
    if not by.is_admin_of(user.tenant_id):
        raise Unseen("user not found")
    return user


def _keep_one_super_admin(user: User) -> None:
    """All super admins are locked by now, so that two of them cannot take each other's role at once."""
    left = User.objects.super_admins()
    if user.admin_role == AdminRole.SUPER_ADMIN and not [other for other in left if other.id != user.id]:
        raise Conflict("this is the last super_admin; make another one first")


def _set(user: User, role: AdminRole | None, source: RoleSource | None, actor_id: str) -> None:
    before = {"admin_role": user.admin_role, "source": user.admin_role_source}
    user.admin_role, user.admin_role_source = role, source
    user.save(update_fields=["admin_role", "admin_role_source"])
    audit.record(
        action=ROLE_GRANTED if role else ROLE_REVOKED, tenant_id=user.tenant_id, actor_id=actor_id,
        object_type="user", object_id=user.id,
        changes=audit.difference(before, {"admin_role": role, "source": source}),
    )  # fmt: skip
