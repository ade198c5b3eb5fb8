"""Who may do what: one table of routes and methods, tried by everybody. A route that is not in it fails the build."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from flows.models import Deployment, Flow, Job
from tests.conftest import Caller, SignIn
from tests.drawings import greeting

PUBLIC, TOKEN, VIEW, MANAGE = "public", "any token", "scaicore:view", "scaicore:manage"


@dataclass(frozen=True)
class Row:
    """`on_flow`: the caller must be able to see the flow (its owner, an admin of its tenant, a super admin).
    `ok` is the status for those who may; `admin` when an admin role is asked for besides."""

    method: str
    path: str
    needs: str
    on_flow: bool = False
    admin: bool = False
    ok: int = 200
    body: dict[str, Any] = field(default_factory=dict)


NEW = {"name": "New", "content": greeting()}
FLOW = "/api/v1/flows/{flow}"
KEY = "/api/v1/tenants/me/scaigrid_credentials"
TABLE = [
    Row("GET", "/api/schemas/flow/v2.json", PUBLIC),
    Row("GET", "/healthz", PUBLIC),
    Row("GET", "/readyz", PUBLIC),
    Row("GET", "/metrics", PUBLIC, ok=404),  # closed: its own token is not set (tests/console/test_metrics.py)
    Row("GET", "/", PUBLIC),
    Row("GET", "/api/v1/auth/config", PUBLIC),
    Row("POST", "/api/v1/auth/exchange", PUBLIC, ok=422),
    Row("POST", "/api/v1/auth/refresh", PUBLIC, ok=422),
    Row("POST", "/api/v1/dev/deploy", PUBLIC, ok=503),  # closed: its own token is not set (tests/flows/test_legacy.py)
    Row("GET", "/api/v1/me", TOKEN),
    Row("GET", KEY, TOKEN),
    Row("POST", KEY, TOKEN, admin=True, ok=204, body={"api_key": "sgk_0123456789"}),
    Row("DELETE", KEY, TOKEN, admin=True, ok=204),
    Row("GET", "/api/v1/flows", VIEW),
    Row("POST", "/api/v1/flows", MANAGE, ok=201, body=NEW),
    Row("POST", "/api/v1/flows/compile", VIEW, body={"content": greeting()}),
    Row("POST", "/api/v1/flows/validate", VIEW, body={"content": greeting()}),
    Row("GET", FLOW, VIEW, on_flow=True),
    Row("HEAD", FLOW, VIEW, on_flow=True),
    Row("PUT", FLOW, MANAGE, on_flow=True, body={"name": "Renamed"}),
    Row("DELETE", FLOW, MANAGE, on_flow=True, ok=204),
    Row("POST", "/api/v1/flows/{deleted}/restore", MANAGE, on_flow=True),
    Row("GET", FLOW + "/versions", VIEW, on_flow=True),
    Row("GET", FLOW + "/versions/1.0.0", VIEW, on_flow=True),
    Row("POST", FLOW + "/versions/1.0.0/restore", MANAGE, on_flow=True),
    Row("GET", FLOW + "/diff?from=1.0.0", VIEW, on_flow=True),
    Row("GET", FLOW + "/deployments", VIEW, on_flow=True),
    Row("POST", FLOW + "/deployments/dep_none/redeploy", MANAGE, on_flow=True, ok=404),
    Row("POST", FLOW + "/deploy/preview", MANAGE, on_flow=True),
    Row("POST", FLOW + "/deploy", MANAGE, on_flow=True, ok=422, body={"group_ids": 7}),
    Row("POST", FLOW + "/run-tests", MANAGE, on_flow=True, ok=422),
    Row("GET", FLOW + "/jobs", VIEW, on_flow=True),
    Row("GET", "/api/v1/jobs/{job}", VIEW, on_flow=True),
    Row("POST", "/api/v1/jobs/{job}/cancel", MANAGE, on_flow=True, ok=409),
]


@dataclass(frozen=True)
class Role:
    """Somebody, as seen from a flow of usr_ada in tnt_demo."""

    name: str
    tenant: str = "tnt_demo"
    scope: str = f"{VIEW} {MANAGE}"
    admin_role: str | None = None
    sees: bool = False

    def may(self, needs: str) -> bool:
        return needs in {PUBLIC, TOKEN} or MANAGE in self.scope or needs in self.scope.split()


ROLES = [
    Role("usr_ada", sees=True),
    Role("usr_ada", scope=VIEW, sees=True),
    Role("usr_ada", scope="openid", sees=True),
    Role("usr_colleague"),
    Role("usr_viewer", scope=VIEW),
    Role("usr_admin", admin_role="tenant_admin", sees=True),
    Role("usr_viewing_admin", scope=VIEW, admin_role="tenant_admin", sees=True),
    Role("usr_super", tenant="tnt_platform", admin_role="super_admin", sees=True),
    Role("usr_olaf", tenant="tnt_other"),
    Role("usr_ada", tenant="tnt_other"),
    Role("usr_foreign_admin", tenant="tnt_other", admin_role="tenant_admin"),
]


def expected(row: Row, role: Role) -> int:
    if not role.may(row.needs):
        return 403
    if row.on_flow and not role.sees:
        return 404
    if row.admin and not role.admin_role:
        return 403
    return row.ok


@pytest.fixture
def stage(sign_in: SignIn) -> dict[str, str]:
    ada = sign_in("usr_ada")
    flow, deleted = (ada.post("/api/v1/flows", NEW).json()["id"] for _ in range(2))
    ada.delete(f"/api/v1/flows/{deleted}")
    Deployment.objects.create(flow_id=flow, core_id="core_1", flow_version="1.0.0", status="deployed")
    job = Job.objects.create(flow_id=flow, kind="deploy", state="succeeded", result={})
    return {"flow": flow, "deleted": deleted, "job": job.id}


def ask(caller: Caller, row: Row, stage: dict[str, str]) -> int:
    body = row.body if row.method in {"POST", "PUT"} else None
    return caller.generic_json(row.method, row.path.format(**stage), body)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: f"{role.name}-{role.tenant}-{role.admin_role}-{role.scope}")
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.path}")
def test_everybody_may_do_what_the_table_says_and_no_more(
    sign_in: SignIn, stage: dict[str, str], row: Row, role: Role
) -> None:
    caller = sign_in(role.name, tenant=role.tenant, scope=role.scope, admin_role=role.admin_role)
    before = list(Flow.objects.order_by("id").values())
    status = ask(caller, row, stage)
    assert status == expected(row, role)
    if status in {403, 404}:
        assert list(Flow.objects.order_by("id").values()) == before


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.path}")
def test_nobody_without_a_token_passes(stranger: Caller, stage: dict[str, str], row: Row) -> None:
    assert ask(stranger, row, stage) == (row.ok if row.needs == PUBLIC else 401)


def routes(patterns: list[Any] | None = None, prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        road = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += routes(pattern.url_patterns, road)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.append((road, pattern.callback))
    return found


def test_every_route_and_method_is_in_the_table(db: None) -> None:
    tried = set()
    for row in TABLE:
        path = row.path.format(flow="flow_1", deleted="flow_1", job="job_1")
        tried.add((get_resolver().resolve(path.partition("?")[0]).route, row.method))
    for road, view in routes():
        methods = getattr(getattr(view, "view_class", None), "permissions", None) or ["GET"]
        methods = getattr(view.view_class, "methods", methods) if isinstance(methods, property) else methods
        for method in methods:
            assert (road, method) in tried, f"{method} {road} is not in the table of rights"


def test_a_method_without_an_entry_does_not_exist(ada: Caller, stage: dict[str, str]) -> None:
    for method in ("PATCH", "OPTIONS", "TRACE"):
        assert ada.generic_json(method, f"/api/v1/flows/{stage['flow']}", None) == 405
