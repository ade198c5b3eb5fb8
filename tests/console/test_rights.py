"""Who may open which page and send which form: one table, tried by everybody. A page that is not in it fails the build."""

from __future__ import annotations

import json

import pytest
from django.db import transaction
from django.urls import get_resolver

from scaiflow.console import urls
from scaiflow.kit.models import AuditEntry
from tenants.models import User
from tests.console.visitors import Visitor, remember
from tests.drawings import greeting
from tests.scaikey import ScaiKey
from tests.test_permissions import (
    DRAFT,
    IN_DEMO,
    MANAGE,
    TOKEN,
    VIEW,
    Role,
    Row,
    expected,
    let_in,
    methods_of,
    rows_of_state,
)

FLOW, PACKAGE = "/flows/{flow}", "/catalog/{package}"
DOCUMENT = json.dumps(greeting())
CONTENT = '{"name": "New", "nodes": [], "edges": []}'
PAGES = [
    Row("GET", "/health", TOKEN),
    Row("GET", "/flows", VIEW),
    Row("GET", "/flows/new", MANAGE),
    Row("POST", "/flows/new", MANAGE, ok=302, body={"name": "New"}),
    Row("POST", "/flows/check", VIEW, body={"content": CONTENT}),
    Row("GET", "/flows/try", VIEW),
    Row("POST", "/flows/try", VIEW, body={"content": CONTENT, "format": "yaml"}),
    Row("GET", "/flows?tenant_id=tnt_third", VIEW, role="super"),
    Row("GET", FLOW, VIEW, level="view"),
    Row("GET", FLOW + "/edit", MANAGE, level="edit"),
    Row("POST", FLOW + "/edit", MANAGE, level="edit", ok=302, body={"name": "Renamed", "content": CONTENT}),
    Row("GET", FLOW + "/compiled", VIEW, level="view"),
    Row("POST", FLOW + "/delete", MANAGE, level="admin", ok=302),
    Row("POST", "/flows/{deleted}/restore", MANAGE, level="admin", ok=302),
    Row("GET", FLOW + "/versions", VIEW, level="view"),
    Row("POST", FLOW + "/versions/1.0.0/restore", MANAGE, level="edit", ok=302),
    Row("GET", FLOW + "/diff?from=1.0.0", VIEW, level="view"),
    Row("GET", FLOW + "/access", VIEW, level="admin"),
    Row("POST", FLOW + "/access", MANAGE, level="admin", ok=302, body={"who": "user:usr_new", "level": "view"}),
    Row("POST", FLOW + "/access/{acl}", MANAGE, level="admin", ok=302, body={"level": "edit"}),
    Row("GET", FLOW + "/deploy", VIEW, level="view"),
    Row("POST", FLOW + "/deploy", MANAGE, level="deploy", ok=422, body={"group_ids": "g" * 129}),
    Row("GET", FLOW + "/deploy/preview", MANAGE, level="deploy"),
    Row("POST", FLOW + "/deployments/dep_none/again", MANAGE, level="deploy", ok=404),
    Row("GET", FLOW + "/tests", VIEW, level="view"),
    Row("POST", FLOW + "/tests", MANAGE, level="deploy", ok=422),
    Row("GET", FLOW + "/tests/run_none", VIEW, level="view", ok=404),
    Row("GET", FLOW + "/jobs", VIEW, level="view"),
    Row("GET", "/jobs/{job}", VIEW, level="view"),
    Row("POST", "/jobs/{job}/stop", MANAGE, level="deploy", ok=409),
    Row("GET", FLOW + "/tests/run_none.xml", VIEW, level="view", ok=404),
    Row("POST", FLOW + "/versions/1.0.0/label", MANAGE, level="edit", ok=302, body={"label": "Gold"}),
    Row("GET", FLOW + "/export", VIEW, level="view"),
    Row("POST", FLOW + "/owner", TOKEN, role="super", ok=302, body={"owner_id": "usr_new"}),
    # The upstreams cannot be reached from here: who passes gets as far as that (tests/console/test_running.py has them).
    Row("GET", FLOW + "/here", VIEW, level="view"),
    Row("POST", FLOW + "/here", VIEW, level="view"),
    Row("GET", FLOW + "/runs", VIEW, level="view", ok=502),
    Row("POST", FLOW + "/runs", MANAGE, level="deploy", ok=502, body={"input": "{}"}),
    Row("GET", FLOW + "/runs/short", VIEW, level="view", ok=502),
    Row("GET", FLOW + "/runs/stream", VIEW, level="view", ok=502),
    Row("GET", "/runs", VIEW),
    Row("GET", "/checkpoints", VIEW, ok=502),
    Row("GET", "/checkpoints/chk_1", VIEW, ok=502),
    Row("POST", "/checkpoints/chk_1", MANAGE, ok=502, body={"decision": "approve"}),
    Row("GET", "/catalog", VIEW),
    Row("GET", "/catalog/publish", MANAGE),
    Row("GET", "/catalog/publish?flow={flow}", MANAGE, level="deploy"),
    Row("POST", "/catalog/publish", MANAGE, level="deploy", ok=302, body=DRAFT | {"flow": "{flow}"}),
    Row("POST", "/catalog/publish", MANAGE, ok=302, body=DRAFT | {"content": DOCUMENT}),
    Row("GET", PACKAGE, VIEW, **IN_DEMO),
    Row("POST", PACKAGE + "/install", MANAGE, ok=302, **IN_DEMO),
    Row("POST", PACKAGE + "/visibility", MANAGE, author=True, ok=302, body={"visibility": "tenant"}, **IN_DEMO),
    Row("POST", PACKAGE + "/delete", MANAGE, author=True, ok=302, **IN_DEMO),
    Row("POST", "/catalog/{deleted_package}/restore", MANAGE, author=True, ok=302, **IN_DEMO),
    Row("GET", PACKAGE + "/download", VIEW, **IN_DEMO),
    Row("GET", "/settings", TOKEN),
    Row("POST", "/settings", TOKEN, role="tenant", ok=302, body={"api_key": "sgk_0123456789"}),
    Row("POST", "/settings/forget", TOKEN, role="tenant", ok=302),
    Row("GET", "/settings/people", TOKEN, role="tenant"),
    Row(
        "POST",
        "/settings/people/usr_new/role",
        TOKEN,
        role="tenant",
        home="tnt_demo",
        ok=302,
        body={"role": "tenant_admin"},
    ),
    Row("GET", "/settings/people?tenant_id=tnt_third", TOKEN, role="super"),
    Row("GET", "/settings/people?all=yes", TOKEN, role="super"),
    Row("GET", "/settings/groups", TOKEN, role="tenant"),
    Row("GET", "/settings/groups?tenant_id=tnt_third", TOKEN, role="super"),
    Row("GET", "/settings/sync", TOKEN, role="super"),
    Row("POST", "/settings/sync", TOKEN, role="super", ok=502),
    Row("GET", "/settings/webhooks", TOKEN, role="tenant"),
    Row("GET", "/settings/webhooks?tenant_id=tnt_third", TOKEN, role="super"),
    Row("GET", "/settings/tenants", TOKEN, role="super"),
    Row("GET", "/settings/resources", VIEW),
    Row("GET", "/settings/audit", TOKEN, role="tenant"),
    Row("GET", "/settings/audit?tenant_id=tnt_third", TOKEN, role="super"),
    Row("GET", "/settings/audit.csv", TOKEN, role="tenant"),
    Row("GET", "/settings/audit.csv?tenant_id=tnt_third", TOKEN, role="super"),
    Row("GET", "/settings/api", TOKEN),
]
ROLES = [
    Role("usr_ada", level="admin"),
    Role("usr_ada", scope=VIEW, level="admin"),
    Role("usr_ada", scope="openid", level="admin"),
    Role("usr_colleague"),
    Role("usr_guest", level="view", through="user"),
    Role("usr_guest", level="edit", through="user"),
    Role("usr_guest", level="deploy", through="group"),
    Role("usr_guest", level="admin", through="user"),
    Role("usr_admin", admin_role="tenant_admin", level="admin"),
    Role("usr_super", tenant="tnt_platform", admin_role="super_admin", level="admin"),
    Role("usr_olaf", tenant="tnt_other", through="user"),
    Role("usr_foreign_admin", tenant="tnt_other", admin_role="tenant_admin"),
]


def ask(visitor: Visitor, row: Row, stage: dict[str, str]) -> int:
    path = row.path.format(**stage)
    body = {name: str(value).format(**stage) if value == "{flow}" else value for name, value in row.body.items()}
    answer = visitor.send(path, body) if row.method == "POST" else visitor.get(path)
    return int(answer.status_code)


@pytest.mark.parametrize("row", PAGES, ids=lambda row: f"{row.method} {row.path}")
def test_everybody_may_do_what_the_table_says_and_no_more(scaikey: ScaiKey, stage: dict[str, str], row: Row) -> None:
    """One role after the other, each taken back before the next: what makes the stage is slow, and the same for all."""
    for role in ROLES:
        if row.level or not role.through:
            with transaction.atomic():
                attempt(Visitor(scaikey), stage, row, role)
                transaction.set_rollback(True)


def attempt(visitor: Visitor, stage: dict[str, str], row: Row, role: Role) -> None:
    remember(role.name, tenant=role.tenant, admin_role=role.admin_role)
    let_in(role, stage)
    visitor.let_in(role.name, tenant=role.tenant, scope=role.scope)
    before = rows_of_state()
    status = ask(visitor, row, stage)
    assert status == expected(row, role), str(role)
    if status != row.ok:
        assert rows_of_state() == before, str(role)
        refusals = AuditEntry.objects.filter(actor_id=role.name, tenant_id=role.tenant, result="refused").count()
        assert refusals == (0 if row.local and status == 404 else 1), str(role)


@pytest.mark.parametrize("row", PAGES, ids=lambda row: f"{row.method} {row.path}")
def test_nobody_without_a_session_passes(scaikey: ScaiKey, stage: dict[str, str], row: Row) -> None:
    visitor = Visitor(scaikey)
    before = rows_of_state()
    path = row.path.format(**stage)
    answer = visitor.send(path, row.body) if row.method == "POST" else visitor.get(path)
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/")
    assert rows_of_state() == before


def test_every_page_and_method_is_in_the_table() -> None:
    packages = {"package": "x", "deleted_package": "x"}
    names = {"flow": "flow_1", "deleted": "flow_1", "job": "job_1", "acl": "acl_1", **packages}
    tried = {(get_resolver().resolve(row.path.format(**names).partition("?")[0]).route, row.method) for row in PAGES}
    for pattern in urls.urlpatterns:
        for method in methods_of(pattern.callback):
            assert (str(pattern.pattern), method) in tried, f"{method} {pattern.pattern} is not in the table of rights"


def test_a_method_without_an_entry_does_not_exist(scaikey: ScaiKey, stage: dict[str, str]) -> None:
    User.objects.update_or_create(id="usr_ada", defaults={"tenant_id": "tnt_demo"})
    visitor = Visitor(scaikey).let_in("usr_ada", tenant="tnt_demo", scope=f"{VIEW} {MANAGE}")
    assert visitor.send("/flows", {}).status_code == 405
    assert visitor.get(f"/flows/{stage['flow']}/delete").status_code == 405
