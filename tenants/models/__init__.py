from __future__ import annotations

from tenants.models.groups import Group, Membership
from tenants.models.secrets import Secret
from tenants.models.users import User

__all__ = ["Group", "Membership", "Secret", "User"]
