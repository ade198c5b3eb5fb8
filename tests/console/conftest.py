from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache

from tests import cast
from tests.console.visitors import Visitor, remember
from tests.scaikey import ScaiKey
from tests.test_permissions import set_up_once, stage  # noqa: F401  the same rows for pages as for the API

Visit = Callable[..., Visitor]


@pytest.fixture
def visit(db: None, scaikey: ScaiKey) -> Visit:
    """`visit("usr_tara", admin_role="tenant_admin", scope="scaicore:view")`: somebody signed in at the console."""
    cache.clear()

    def make(sub: str, *, tenant: str = "tnt_demo", admin_role: str | None = None, **how: str) -> Visitor:
        remember(sub, tenant=tenant, admin_role=admin_role)
        return Visitor(scaikey).sign_in(sub, tenant=tenant, **how)

    return make


@pytest.fixture
def ada_at(visit: Visit) -> Visitor:
    return visit(**cast.ADA)


@pytest.fixture
def vera_at(visit: Visit) -> Visitor:
    return visit(**cast.VERA)


@pytest.fixture
def tara_at(visit: Visit) -> Visitor:
    return visit(**cast.TARA)


@pytest.fixture
def sam_at(visit: Visit) -> Visitor:
    return visit(**cast.SAM)
