"""Packages for tests."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.models import Group, Membership
from tests.conftest import Caller
from tests.drawings import greeting

CATALOG = "/api/v1/catalog"


def publish(caller: Caller, package_id: str = "greeting", **more: Any) -> Any:
    """The answer. The content is a greeting unless a flow or another content is given."""
    body = {"package_id": package_id, "name": "Greeting", "version": "1.0.0", **more}
    if "flow_id" not in body:
        body.setdefault("content", greeting())
    return caller.post(f"{CATALOG}/publish", body)


def in_group(user_id: str, group_id: str, tenant: str = "tnt_demo") -> None:
    Group.objects.get_or_create(id=group_id, defaults={"tenant_id": tenant})
    Membership.objects.create(group_id=group_id, user_id=user_id, tenant_id=tenant)


@pytest.fixture
def flow(ada: Caller) -> dict[str, Any]:
    return ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()
