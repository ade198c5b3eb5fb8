"""The two permissions of a token, and the check of them. (Apart from views.py: DRF's settings name the check while DRF's
own views are still loading.)"""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from scaiflow.kit.errors import NotAllowed

VIEW, MANAGE = "scaicore:view", "scaicore:manage"
ANY = "any valid token"


class HasPermission(BasePermission):
    """The caller's token carries what the view's table asks for this method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        needed = view.permissions[request.method]
        caller: Any = request.user
        if caller is None:
            return False
        require_permission(caller, needed)
        return True


def require_permission(caller: Any, needed: str) -> None:
    """Raises NotAllowed. (For roads that are no API view: those have their table.)"""
    if needed != ANY and not caller.may(needed):
        raise NotAllowed(f"permission '{needed}' is missing")
