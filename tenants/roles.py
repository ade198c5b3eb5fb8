"""The words of rights: permissions come in the token, admin roles from our own database."""

from __future__ import annotations

from django.db import models

from scaiflow.kit.rights import MANAGE, VIEW

PERMISSIONS = frozenset({VIEW, MANAGE})
# ScaiKey's own roles that imply both permissions inside their tenant.
SCAIKEY_ADMINS = frozenset({"tenant_admin", "partner_admin", "super_admin"})


class AdminRole(models.TextChoices):
    TENANT_ADMIN = "tenant_admin"
    SUPER_ADMIN = "super_admin"


class RoleSource(models.TextChoices):
    MANUAL = "manual"
    GROUP = "group"
    BOOTSTRAP = "bootstrap"
