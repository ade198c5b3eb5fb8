"""The mirror of ScaiKey's users. The key is ScaiKey's id, which is also the `sub` of their tokens."""

from __future__ import annotations

import json
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac

from tenants.roles import AdminRole, RoleSource


class UserQuerySet(models.QuerySet["User"]):
    def living(self) -> UserQuerySet:
        return self.filter(deleted_at=None)

    def super_admins(self) -> UserQuerySet:
        """Those whose role is worth something: not deleted, not suspended."""
        return self.living().filter(admin_role=AdminRole.SUPER_ADMIN, status__in=["ACTIVE", "active", ""])


class Users(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Nobody is made here: users come from ScaiKey."""


class User(AbstractBaseUser):
    """A person or service of a tenant. There is no password: sign-in is ScaiKey's.

    `source_at` is the time of what ScaiKey last told: an event from before it is not applied."""

    password = None  # type: ignore[assignment]
    id = models.CharField(primary_key=True, max_length=128)
    tenant_id = models.CharField(max_length=64, db_index=True)
    email = models.EmailField(blank=True)
    display_name = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=32, default="ACTIVE")
    admin_role = models.CharField(max_length=16, choices=AdminRole.choices, null=True)
    admin_role_source = models.CharField(max_length=16, choices=RoleSource.choices, null=True)
    deleted_at = models.DateTimeField(null=True)
    source_at = models.DateTimeField(null=True)
    last_synced_at = models.DateTimeField(null=True)

    USERNAME_FIELD = "id"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = Users()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="user_role_has_source",
                condition=Q(admin_role=None, admin_role_source=None)
                | Q(admin_role__isnull=False, admin_role_source__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.email or self.id

    @property
    def is_shut_out(self) -> bool:
        """Deleted or suspended at ScaiKey; a token issued before that is worth nothing."""
        return self.deleted_at is not None or self.status.upper() not in {"ACTIVE", ""}

    # What Django's admin asks of a user. Staff are the admins; all that its pages let them do by themselves is look.

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return not self.is_shut_out

    @property
    def is_staff(self) -> bool:
        return self.is_active and self.admin_role in AdminRole.values

    def has_perm(self, permission: str, obj: object = None) -> bool:
        return self.is_staff and permission.rpartition(".")[2].startswith("view_")

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff

    def has_usable_password(self) -> bool:
        return False

    def get_session_auth_hash(self) -> str:
        """A session ends when the user's role, tenant or state changes."""
        state = [self.id, self.tenant_id, self.admin_role, self.status, str(self.deleted_at)]
        return salted_hmac("tenants.User.session", json.dumps(state), algorithm="sha256").hexdigest()
