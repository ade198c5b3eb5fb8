"""The principal: who is calling, as a value. Made from a token and the mirror, never stored."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from scaiflow.kit.rights import MANAGE, VIEW
from tenants.roles import AdminRole

# Tenant ids become parts of object keys and vault paths, so only what is harmless there is a tenant id.
SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
SANE_SUBJECT = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True)
class Principal:
    """`token` is the caller's bearer, kept for upstreams that it is forwarded to; None where there is none to forward.
    It is left out of the repr, so that no log or traceback can hold it. `expires_at` is the token's, in Unix time."""

    sub: str
    tenant_id: str
    permissions: frozenset[str]
    email: str = ""
    display_name: str = ""
    admin_role: str | None = None
    admin_role_source: str | None = None
    token: str | None = field(default=None, repr=False)
    expires_at: float | None = None

    is_authenticated = True

    def may(self, permission: str) -> bool:
        """`scaicore:manage` implies `scaicore:view`."""
        return permission in self.permissions or (permission == VIEW and MANAGE in self.permissions)

    @property
    def is_super_admin(self) -> bool:
        return self.admin_role == AdminRole.SUPER_ADMIN

    def is_admin_of(self, tenant_id: str) -> bool:
        return self.is_super_admin or (self.admin_role == AdminRole.TENANT_ADMIN and self.tenant_id == tenant_id)


def caller_of(request: Any) -> Principal:
    """Who sent this request. DRF keeps it as `user`; no view runs before it is known."""
    caller = request.user
    if not isinstance(caller, Principal):
        raise TypeError("no principal: the view has no authentication")
    return caller
