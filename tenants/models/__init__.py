from __future__ import annotations

from tenants.models.secrets import Secret
from tenants.models.users import User

__all__ = ["Secret", "User"]
