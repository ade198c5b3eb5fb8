"""Who may do what: one table of routes and methods, tried by everybody. A route that is not in it fails the build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver

from catalog.models import Package, PackageGroup, PackageVersion
from flows.models import Deployment, DocumentUpdate, Flow, FlowACL, FlowDocument, FlowTag, FlowVersion, Job
from flows.urls import websocket_urlpatterns
from scaiflow.kit.models import AuditEntry
from tenants.models import Group, Membership, Secret, User
from tests.conftest import Caller, Once, SignIn
from tests.drawings import greeting
from tests.scaikey import ScaiKey
from tests.sockets import JOINED, SYNC, WRITE, knock

PUBLIC, TOKEN, VIEW, MANAGE = "public", "any token", "scaicore:view", "scaicore:manage"


@dataclass(frozen=True)
class Row:
    """`level` on the flow, where one is concerned: owners and admins hold the highest, others what an entry gives.
    `role` is the admin role that is asked for besides ("tenant": either of them), `home` the tenant that the object is in
    (a tenant admin of another sees nothing there). `author` says that the object is its author's and the admins' to change.
    Ids that are unique in a tenant alone are `local`: asked for from another, they are no secret there, but nothing at all.
    `ok` is the status for those who may. A socket has two methods: to come in, and to write."""

    method: str
    path: str
    needs: str
    level: str = ""
    role: str = ""
    home: str = ""
    author: bool = False
    local: bool = False
    ok: int = 200
    body: dict[str, Any] = field(default_factory=dict)


NEW = {"name": "New", "content": greeting()}
ROLE = {"role": "tenant_admin"}
GRANT = {"principal_type": "user", "principal_id": "usr_new", "level": "view"}
FLOW = "/api/v1/flows/{flow}"
PACKAGE = "/api/v1/catalog/{package}"
DRAFT = {"package_id": "new", "name": "New", "version": "1.0.0"}
IN_DEMO: Any = {"home": "tnt_demo", "local": True}
KEY = "/api/v1/tenants/me/scaigrid_credentials"
TABLE = [
    Row("GET", "/api/schemas/flow/v2.json", PUBLIC),
    Row("GET", "/healthz", PUBLIC),
    Row("GET", "/readyz", PUBLIC),
    Row("GET", "/metrics", PUBLIC, ok=404),  # closed: its own token is not set (tests/console/test_metrics.py)
    Row("GET", "/", PUBLIC),
    Row("GET", "/api/openapi.json", PUBLIC),
    Row("GET", "/api/docs", PUBLIC),
    Row("HEAD", "/", PUBLIC),
    Row("GET", "/login", PUBLIC, ok=302),
    Row("GET", "/login/callback", PUBLIC, ok=302),
    Row("POST", "/logout", PUBLIC, ok=302),
    Row("GET", "/api/v1/auth/config", PUBLIC),
    Row("POST", "/api/v1/auth/exchange", PUBLIC, ok=422),
    Row("POST", "/api/v1/auth/refresh", PUBLIC, ok=422),
    Row("POST", "/api/v1/dev/deploy", PUBLIC, ok=503),  # closed: its own token is not set (tests/flows/test_legacy.py)
    Row("POST", "/api/v1/webhooks/scaikey", PUBLIC, ok=503),
    Row("GET", "/api/v1/admin/webhooks", TOKEN, role="tenant"),
    Row("GET", "/api/v1/admin/webhooks?tenant_id=tnt_third", TOKEN, role="super"),
    Row("GET", "/api/v1/me", TOKEN),
    Row("GET", KEY, TOKEN),
    Row("POST", KEY, TOKEN, role="tenant", ok=204, body={"api_key": "sgk_0123456789"}),
    Row("DELETE", KEY, TOKEN, role="tenant", ok=204),
    Row("GET", "/api/v1/flows", VIEW),
    Row("POST", "/api/v1/flows", MANAGE, ok=201, body=NEW),
    Row("POST", "/api/v1/flows/compile", VIEW, body={"content": greeting()}),
    Row("POST", "/api/v1/flows/import", VIEW, ok=422, body={"manifest": "not a manifest"}),
    Row("POST", "/api/v1/flows/validate", VIEW, body={"content": greeting()}),
    Row("GET", FLOW, VIEW, level="view"),
    Row("HEAD", FLOW, VIEW, level="view"),
    Row("PUT", FLOW, MANAGE, level="edit", body={"name": "Renamed"}),
    Row("DELETE", FLOW, MANAGE, level="admin", ok=204),
    Row("POST", "/api/v1/flows/{deleted}/restore", MANAGE, level="admin"),
    Row("GET", FLOW + "/versions", VIEW, level="view"),
    Row("GET", FLOW + "/versions/1.0.0", VIEW, level="view"),
    Row("PATCH", FLOW + "/versions/1.0.0", MANAGE, level="edit", body={"label": "Gold"}),
    Row("POST", FLOW + "/versions/1.0.0/restore", MANAGE, level="edit"),
    Row("GET", FLOW + "/diff?from=1.0.0", VIEW, level="view"),
    Row("GET", FLOW + "/export", VIEW, level="view"),
    Row("GET", "/api/v1/catalog", VIEW),
    Row("POST", "/api/v1/catalog/publish", MANAGE, level="deploy", ok=201, body=DRAFT | {"flow_id": "{flow}"}),
    Row("POST", "/api/v1/catalog/publish", MANAGE, ok=201, body=DRAFT | {"content": greeting()}),
    Row("GET", PACKAGE, VIEW, **IN_DEMO),
    Row("PATCH", PACKAGE, MANAGE, author=True, body={"visibility": "tenant"}, **IN_DEMO),
    Row("DELETE", PACKAGE, MANAGE, author=True, ok=204, **IN_DEMO),
    Row("POST", "/api/v1/catalog/{deleted_package}/restore", MANAGE, author=True, **IN_DEMO),
    Row("GET", PACKAGE + "/download", VIEW, **IN_DEMO),
    Row("HEAD", PACKAGE + "/download", VIEW, **IN_DEMO),
    Row("POST", PACKAGE + "/install", VIEW, **IN_DEMO),
    Row("POST", PACKAGE + "/install", MANAGE, ok=201, body={"save": True}, **IN_DEMO),
    Row("GET", FLOW + "/deployments", VIEW, level="view"),
    Row("POST", FLOW + "/deployments/dep_none/redeploy", MANAGE, level="deploy", ok=404),
    Row("POST", FLOW + "/deploy/preview", MANAGE, level="deploy"),
    Row("POST", FLOW + "/deploy", MANAGE, level="deploy", ok=422, body={"group_ids": 7}),
    Row("POST", FLOW + "/run-tests", MANAGE, level="deploy", ok=422),
    Row("GET", FLOW + "/test-runs", VIEW, level="view"),
    Row("GET", FLOW + "/test-runs/run_none", VIEW, level="view", ok=404),
    Row("GET", FLOW + "/jobs", VIEW, level="view"),
    Row("GET", "/api/v1/jobs/{job}", VIEW, level="view"),
    Row("POST", "/api/v1/jobs/{job}/cancel", MANAGE, level="deploy", ok=409),
    Row("GET", FLOW + "/presence", VIEW, level="view"),
    Row("DELETE", FLOW + "/presence", VIEW, level="view", ok=204),
    Row("POST", FLOW + "/presence/heartbeat", VIEW, level="view", ok=204, body={"display_name": "A", "color": "#0f0"}),
    Row(SYNC, FLOW + "/sync", VIEW, level="view", ok=JOINED),
    Row(WRITE, FLOW + "/sync", MANAGE, level="edit", ok=JOINED),
    Row("GET", FLOW + "/acls", VIEW, level="admin"),
    Row("POST", FLOW + "/acls", MANAGE, level="admin", ok=201, body=GRANT),
    Row("PATCH", FLOW + "/acls/{acl}", MANAGE, level="admin", body={"level": "edit"}),
    Row("DELETE", FLOW + "/acls/{acl}", MANAGE, level="admin", ok=204),
    # The upstreams cannot be reached from here: who passes gets as far as that (tests/lookups has them answer).
    Row("GET", "/api/v1/scaiqueue/scopes", VIEW, ok=502),
    Row("GET", "/api/v1/scaiqueue/scopes/sc_1/queues", VIEW, ok=502),
    Row("GET", "/api/v1/scaibunker/bunkers", VIEW, ok=502),
    Row("GET", "/api/v1/scaigrid/models", VIEW, ok=502),
    Row("GET", "/api/v1/scaicore/events?core_id=core_1", VIEW, level="view", ok=502),
    Row("GET", "/api/v1/scaicore/events/stream?core_id=core_1", VIEW, level="view", ok=502),
    Row("GET", "/api/v1/scaicore/checkpoints?core_id=core_1", VIEW, level="view", ok=502),
    Row("POST", "/api/v1/scaicore/checkpoints/chk_1/resolve?core_id=core_1", MANAGE, level="deploy", ok=502),
    Row("POST", "/api/v1/scaicore/cores/core_1/invoke", MANAGE, level="deploy", ok=502),
    Row("GET", "/api/v1/admin/users", TOKEN, role="super"),
    Row("POST", "/api/v1/admin/users/usr_new/role", TOKEN, role="tenant", home="tnt_demo", ok=204, body=ROLE),
    Row("DELETE", "/api/v1/admin/users/usr_new/role", TOKEN, role="tenant", home="tnt_demo", ok=204),
    Row("POST", "/api/v1/admin/sync", TOKEN, role="super", ok=422, body={"force": "yes"}),
    Row("GET", "/api/v1/admin/tenant/users", TOKEN, role="tenant"),
    Row("GET", "/api/v1/admin/tenant/users?tenant_id=tnt_third", TOKEN, role="super"),
    Row("GET", "/api/v1/admin/tenant/flows", TOKEN, role="tenant"),
    Row("GET", "/api/v1/admin/tenant/flows?tenant_id=tnt_third", TOKEN, role="super"),
    Row("GET", "/api/v1/admin/tenants", TOKEN, role="super"),
    Row("GET", "/api/v1/admin/audit", TOKEN, role="tenant"),
    Row("GET", "/api/v1/admin/audit?tenant_id=tnt_third", TOKEN, role="super"),
    Row("POST", "/api/v1/admin/flows/{flow}/owner", TOKEN, role="super", body={"owner_id": "usr_new"}),
]


LEVELS = ["", "view", "edit", "deploy", "admin"]


@dataclass(frozen=True)
class Role:
    """Somebody, as seen from a flow of usr_ada in tnt_demo. `level` is what they hold on it, `through` how they got it
    (where it is not by being its owner or an admin)."""

    name: str
    tenant: str = "tnt_demo"
    scope: str = f"{VIEW} {MANAGE}"
    admin_role: str | None = None
    level: str = ""
    through: str = ""

    def may(self, needs: str) -> bool:
        return needs in {PUBLIC, TOKEN} or MANAGE in self.scope or needs in self.scope.split()

    def holds(self, role: str) -> bool:
        return not role or self.admin_role == "super_admin" or (role == "tenant" and self.admin_role is not None)

    def __str__(self) -> str:
        words = [self.name, self.tenant, self.admin_role, self.level, self.through, self.scope]
        return "-".join(word for word in words if word)


ROLES = [
    Role("usr_ada", level="admin"),
    Role("usr_ada", scope=VIEW, level="admin"),
    Role("usr_ada", scope="openid", level="admin"),
    Role("usr_colleague"),
    Role("usr_viewer", scope=VIEW),
    *(Role("usr_guest", level=level, through=way) for level in LEVELS[1:] for way in ("user", "group")),
    Role("usr_guest", scope=VIEW, level="admin", through="user"),
    Role("usr_admin", admin_role="tenant_admin", level="admin"),
    Role("usr_viewing_admin", scope=VIEW, admin_role="tenant_admin", level="admin"),
    Role("usr_super", tenant="tnt_platform", admin_role="super_admin", level="admin"),
    Role("usr_olaf", tenant="tnt_other"),
    Role("usr_olaf", tenant="tnt_other", through="user"),
    Role("usr_olaf", tenant="tnt_other", through="group"),
    Role("usr_ada", tenant="tnt_other"),
    Role("usr_foreign_admin", tenant="tnt_other", admin_role="tenant_admin"),
]


def expected(row: Row, role: Role) -> int:
    joined = expected(replace(row, method=SYNC, needs=VIEW, level="view"), role) if row.method == WRITE else JOINED
    if joined != JOINED:
        return joined  # who may not come in is told so first
    if not role.may(row.needs):
        return 403
    if row.level and not role.level:
        return 404
    if LEVELS.index(role.level) < LEVELS.index(row.level) or not role.holds(row.role):
        return 403
    if row.home and role.tenant != row.home and role.admin_role != "super_admin":
        return 404
    return 403 if row.author and role.level != "admin" else row.ok


def set_up(sign_in: SignIn) -> dict[str, str]:
    """One of everything, made by Ada."""
    ada = sign_in("usr_ada")
    flow, deleted = (ada.post("/api/v1/flows", NEW).json()["id"] for _ in range(2))
    ada.delete(f"/api/v1/flows/{deleted}")
    Deployment.objects.create(flow_id=flow, core_id="core_1", flow_version="1.0.0", status="deployed")
    job = Job.objects.create(flow_id=flow, kind="deploy", state="succeeded", result={})
    for package in ("package", "deleted-package"):
        ada.post("/api/v1/catalog/publish", DRAFT | {"package_id": package, "content": greeting()})
    ada.delete("/api/v1/catalog/deleted-package")
    for user in ("usr_new", "usr_old"):
        User.objects.create(id=user, tenant_id="tnt_demo")
    acl = FlowACL.objects.create(flow_id=flow, principal_type="user", principal_id="usr_old", level=1)
    packages = {"package": "package", "deleted_package": "deleted-package"}
    return {"flow": flow, "deleted": deleted, "job": job.id, "acl": acl.id, **packages}


@pytest.fixture(scope="module")
def set_up_once(once: Once) -> dict[str, str]:
    return once(set_up)  # type: ignore[no-any-return]


@pytest.fixture
def stage(set_up_once: dict[str, str], objects_made_once: None, db: None, scaikey: ScaiKey) -> dict[str, str]:
    """The ids of what is there before each test."""
    return set_up_once


def let_in(role: Role, stage: dict[str, str]) -> None:
    """Give the role its level through an entry of its own, or through a group's. One of another tenant gets the entry too:
    it must open nothing."""
    principal_id = role.name
    if role.through == "group":
        principal_id = "grp_guests"
        Group.objects.create(id=principal_id, tenant_id=role.tenant)
        User.objects.get_or_create(id=role.name, tenant_id=role.tenant)
        Membership.objects.create(group_id=principal_id, user_id=role.name, tenant_id=role.tenant)
    if role.through:
        level = LEVELS.index(role.level or "admin")
        for flow in (stage["flow"], stage["deleted"]):
            FlowACL.objects.create(flow_id=flow, principal_type=role.through, principal_id=principal_id, level=level)


def ask(caller: Caller, row: Row, stage: dict[str, str]) -> int:
    if row.method in {SYNC, WRITE}:
        return knock(row.method, row.path.format(**stage), token=caller.token)
    body = None
    if row.method in {"POST", "PUT", "PATCH"}:
        body = {name: stage["flow"] if value == "{flow}" else value for name, value in row.body.items()}
    return caller.generic_json(row.method, row.path.format(**stage), body)


STATE = (
    Flow, FlowACL, FlowTag, FlowVersion, FlowDocument, DocumentUpdate, Job, Deployment, User, Secret, Package,
    PackageGroup, PackageVersion,
)  # fmt: skip


def rows_of_state() -> list[Any]:
    """All that a refused caller could have changed. In plain SQL: this is asked some thousand times."""
    with connection.cursor() as cursor:
        found = []
        for model in STATE:
            table, key = (connection.ops.quote_name(name) for name in (model._meta.db_table, model._meta.pk.column))
            cursor.execute(f"SELECT * FROM {table} ORDER BY {key}")
            found.append(cursor.fetchall())
    return found


def objects_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def trials() -> list[Any]:
    """Every row with every role; those whom an entry let in only where a flow is concerned."""
    return [
        pytest.param(row, role, id=f"{row.method} {row.path} {role}")
        for row in TABLE
        for role in ROLES
        if row.level or not role.through
    ]


@pytest.mark.parametrize(("row", "role"), trials())
def test_everybody_may_do_what_the_table_says_and_no_more(
    sign_in: SignIn, stage: dict[str, str], row: Row, role: Role
) -> None:
    caller = sign_in(role.name, tenant=role.tenant, scope=role.scope, admin_role=role.admin_role)
    let_in(role, stage)
    is_refused = expected(row, role) != row.ok
    before = rows_of_state()
    assert ask(caller, row, stage) == expected(row, role)
    is_changed = rows_of_state() != before
    if not is_refused and is_changed:
        assert AuditEntry.objects.filter(actor_id=role.name, result="done").exists(), "a change that nobody wrote down"
    assert is_changed or row.method != WRITE or is_refused
    if is_refused:
        assert not is_changed
        refusals = AuditEntry.objects.filter(actor_id=role.name, tenant_id=role.tenant, result="refused").count()
        assert refusals == (0 if row.local and expected(row, role) == 404 else 1)


WRITES = [
    row
    for row in TABLE
    if row.method not in {"GET", "HEAD", SYNC} and row.needs in {TOKEN, MANAGE} and row.ok < 300
    if not row.path.endswith("/deploy/preview")  # it asks what a deploy would do
]


@pytest.mark.parametrize("row", WRITES, ids=lambda row: f"{row.method} {row.path}")
def test_a_write_that_cannot_be_written_down_has_written_nothing(
    sign_in: SignIn, stage: dict[str, str], row: Row, empty_storage: Path, break_the_log: Callable[[], None]
) -> None:
    role = next(role for role in ROLES if expected(row, role) == row.ok)
    caller = sign_in(role.name, tenant=role.tenant, scope=role.scope, admin_role=role.admin_role)
    let_in(role, stage)
    before = rows_of_state(), objects_in(empty_storage)
    break_the_log()
    assert ask(caller, row, stage) == 503
    assert (rows_of_state(), objects_in(empty_storage)) == before


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.path}")
def test_nobody_without_a_token_passes(stranger: Caller, stage: dict[str, str], row: Row) -> None:
    assert ask(stranger, row, stage) == (row.ok if row.needs == PUBLIC else 401)


def routes(patterns: list[Any] | None = None, prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        road = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver) and pattern.namespace in {"admin", "console"}:
            continue  # tests/console/test_admin.py tries every page of Django's admin, test_rights.py of the console
        if isinstance(pattern, URLResolver):
            found += routes(pattern.url_patterns, road)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.append((road, pattern.callback))
    return found


def methods_of(view: Any) -> list[str]:
    """Of an API view those in its own table, of a plain class those that it names, of a function GET."""
    kind = getattr(view, "view_class", None)
    if kind is None:
        return ["GET"]
    told = getattr(kind, "permissions", None) or [name.upper() for name in kind.http_method_names]
    return list(kind.methods if isinstance(told, property) else told)


def sockets() -> list[str]:
    """Every address that has a socket; the last pattern is for all those that have none."""
    *found, _none = websocket_urlpatterns
    return [str(pattern.pattern) for pattern in found]


def example(row: Row) -> str:
    path = row.path.format(flow="flow_1", deleted="flow_1", job="job_1", acl="acl_1", package="x", deleted_package="x")
    return path.partition("?")[0]


def test_every_route_and_method_is_in_the_table(db: None) -> None:
    tried = {
        (get_resolver().resolve(example(row)).route, row.method) for row in TABLE if row.method not in {SYNC, WRITE}
    }
    for road, view in routes():
        for method in methods_of(view):
            assert (road, method) in tried, f"{method} {road} is not in the table of rights"


def test_every_socket_is_in_the_table() -> None:
    tried = set()
    for row in TABLE:
        if row.method in {SYNC, WRITE}:
            match = next(found for pattern in websocket_urlpatterns if (found := pattern.resolve(example(row)[1:])))
            tried.add((match.route, row.method))
    assert tried == {(road, method) for road in sockets() for method in (SYNC, WRITE)}
