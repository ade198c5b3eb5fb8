"""Tenants are never mixed: two full tenants, and every id of one tried by everybody of the other, on every road and with
every method."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import resolve
from django.utils import timezone

from catalog.models import Package, PackageGroup, PackageVersion
from flows.models import Core, Deployment, Flow, FlowACL, FlowTag, FlowVersion, Job, TestRun
from scaiflow.kit.models import AuditEntry
from tenants.models import Group, Membership, Secret, User
from tests.conftest import Caller, Once, SignIn
from tests.drawings import greeting
from tests.loopback import Service
from tests.scaikey import ScaiKey
from tests.sockets import SYNC, knock
from tests.test_permissions import MANAGE, VIEW, methods_of, routes
from webhooks.models import Delivery

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# Bodies that the road of this name and method would take, so that it is the tenant that is refused and not the shape.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("flow", "PUT"): {"name": "Taken over", "content": greeting()},
    ("flow-acls", "POST"): {"principal_type": "user", "principal_id": "{their_user}", "level": "admin"},
    ("flow-acl", "PATCH"): {"level": "admin"},
    ("flow-run-tests", "POST"): {"core_id": "{core_id}"},
    ("flow-version", "PATCH"): {"label": "Taken over"},
    ("package", "PATCH"): {"visibility": "tenant"},
    ("scaicore-core-invoke", "POST"): {"input": {}},
    ("admin-user-role", "POST"): {"role": "tenant_admin"},
    ("admin-flow-owner", "POST"): {"owner_id": "{user_id}"},
}
# What a road's parameter may be without being an id: those that are the same words in every tenant.
SHARED = {"version"}
# Ids of an upstream's own, which it guards: there is nothing of ours behind them.
UPSTREAMS = {"scope_id"}
QUERIES = {"checkpoint_id": "?core_id={core_id}"}


@dataclass(frozen=True)
class Tenant:
    """`ids` by the name of the parameter that carries them. `mark` stands in everything of theirs that is text."""

    id: str
    mark: str
    author: str
    ids: dict[str, str]


def full_tenant(sign_in: SignIn, name: str) -> Tenant:
    """One of everything, made by its own people."""
    tenant_id, mark, author = f"tnt_{name}", f"mark-of-{name}", f"usr_{name}_author"
    users = [author, f"usr_{name}_guest", f"usr_{name}_member"]
    for user in users:
        User.objects.create(id=user, tenant_id=tenant_id, display_name=mark, email=f"{user}@{mark}.test")
    group = Group.objects.create(id=f"grp_{name}", tenant_id=tenant_id, name=mark)
    Membership.objects.create(group=group, user_id=users[2], tenant_id=tenant_id)
    Secret.objects.create(path=f"tenants/{tenant_id}/of_nobody", sealed=mark, key_id="none")
    Delivery.objects.create(
        event_id=f"evt_{name}", type="user.created", tenant_id=tenant_id, occurred_at=timezone.now(), handled=True,
        outcome=mark,
    )  # fmt: skip
    caller = sign_in(author, tenant=tenant_id)
    drawing = {"name": mark, "content": greeting(mark)}
    flow, deleted = (caller.post("/api/v1/flows", drawing).json()["id"] for _ in range(2))
    caller.delete(f"/api/v1/flows/{deleted}")
    entry = FlowACL.objects.create(flow_id=flow, principal_type="user", principal_id=users[1], level=1)
    FlowACL.objects.create(flow_id=flow, principal_type="group", principal_id=group.id, level=4)
    deployment = Deployment.objects.create(
        flow_id=flow, core_id=f"core_{name}", flow_version="1.0.0", published_slug=mark, status="deployed"
    )
    job = Job.objects.create(flow_id=flow, kind="deploy", state="queued", result={"mark": mark})
    run = TestRun.objects.create(
        flow_id=flow, job_id=job.id, core_id=f"core_{name}", flow_version="1.0.0", tests_version="1.0.0", passed=1,
        failed=0, results=[{"name": mark}], run_by=author,
    )  # fmt: skip
    draft = {"package_id": f"package-{name}", "name": mark, "version": "1.0.0", "flow_id": flow}
    assert caller.post("/api/v1/catalog/publish", draft).status_code == 201
    PackageGroup.objects.create(package=Package.objects.get(slug=f"package-{name}"), group_id=group.id)
    FlowTag.objects.create(flow_id=flow, tag=mark)
    Core.objects.get_or_create(flow_id=flow, defaults={"tenant_id": tenant_id, "slug": mark, "core_id": f"core_{name}"})
    return Tenant(
        tenant_id, mark, author,
        {
            "flow_id": flow, "deleted": deleted, "version": "1.0.0", "acl_id": entry.id, "deployment_id": deployment.id,
            "job_id": job.id, "user_id": users[1], "group_id": group.id, "core_id": f"core_{name}", "run_id": run.id,
            "package_id": f"package-{name}", "checkpoint_id": f"chk_{name}", "scope_id": f"sc_{name}",
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def both_tenants(once: Once) -> dict[str, Tenant]:
    return once(lambda sign_in: {name: full_tenant(sign_in, name) for name in ("red", "blue")})  # type: ignore[no-any-return]


@pytest.fixture
def tenants(
    both_tenants: dict[str, Tenant], objects_made_once: None, db: None, scaikey: ScaiKey, scaigrid: Service
) -> dict[str, Tenant]:
    return both_tenants


ROLES: dict[str, dict[str, Any]] = {
    "author": {},
    "viewer": {"scope": VIEW},
    "without permissions": {"scope": "openid"},
    "member of a group with the highest level": {"user": "_member"},
    "guest by an entry": {"user": "_guest"},
    "tenant admin": {"user": "_admin", "admin_role": "tenant_admin"},
    "tenant admin who may only look": {"user": "_admin", "admin_role": "tenant_admin", "scope": VIEW},
    "admin at ScaiKey": {"role": "super_admin"},
    "somebody with an id of the other tenant": {"stolen": True},
}


def enter(sign_in: SignIn, mine: Tenant, theirs: Tenant, role: dict[str, Any]) -> Caller:
    claims = {"scope": f"{VIEW} {MANAGE}"} | role
    suffix, stolen = claims.pop("user", "_author"), claims.pop("stolen", False)
    sub = theirs.author if stolen else f"usr_{mine.id.removeprefix('tnt_')}{suffix}"
    return sign_in(sub, tenant=mine.id, **claims)


def parameters(road: str) -> list[str]:
    return re.findall(r"<(?:\w+:)?(\w+)>", road)


def filled(road: str, ids: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        assert name in ids, (
            f"give {name!r} an id of both tenants in tests/test_tenants_apart.py, or nobody tries {road}"
        )
        return ids[name]

    query = "".join(QUERIES.get(name, "").format(**ids) for name in parameters(road))
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", value, road) + query


def roads() -> list[tuple[str, str, list[str]]]:
    """Every road, its name, and the methods that it has."""
    ours = [named for named in named_routes() if named[0].startswith("api/")]
    return [(road, name, methods) for road, name, methods in ours if not UPSTREAMS & set(parameters(road))]


def named_routes() -> list[tuple[str, str, list[str]]]:
    found = []
    for road, view in routes():
        example = "/" + re.sub(r"<(?:\w+:)?(\w+)>", "x", road)
        found.append((road, resolve(example).url_name or "", methods_of(view)))
    return found


def body_for(name: str, method: str, mine: Tenant, theirs: Tenant) -> dict[str, Any] | None:
    if method in {"GET", "HEAD", "OPTIONS", "DELETE"}:
        return None
    body = BODIES.get((name, method), {})
    words = theirs.ids | {"their_user": f"usr_{mine.id.removeprefix('tnt_')}_guest"}
    return {key: value.format(**words) if isinstance(value, str) else value for key, value in body.items()}


def rows_of(tenant: Tenant) -> list[Any]:
    """All that is theirs."""
    of_flow = {"flow__tenant_id": tenant.id}
    found = [Flow.objects.filter(tenant_id=tenant.id), User.objects.filter(tenant_id=tenant.id)]
    found += [
        model.objects.filter(**of_flow) for model in (FlowVersion, FlowACL, FlowTag, Deployment, Job, TestRun, Core)
    ]
    found += [PackageVersion.objects.filter(package__tenant_id=tenant.id)]
    found += [model.objects.filter(tenant_id=tenant.id) for model in (Group, Membership, Delivery, AuditEntry, Package)]
    found += [Secret.objects.filter(path__contains=tenant.id)]
    return [list(rows.order_by("pk").values()) for rows in found]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("inside", "outside"), [("red", "blue"), ("blue", "red")])
def test_no_id_of_another_tenant_opens_anything(
    sign_in: SignIn, tenants: dict[str, Tenant], scaigrid: Service, inside: str, outside: str, role: str
) -> None:
    mine, theirs = tenants[inside], tenants[outside]
    caller = enter(sign_in, mine, theirs, ROLES[role])
    before, tried = rows_of(theirs), 0
    for road, name, methods in roads():
        if not parameters(road):
            continue
        for ids in (theirs.ids, theirs.ids | {"flow_id": theirs.ids["deleted"]}):
            for method in METHODS:
                answer = ask(caller, method, filled(road, ids), body_for(name, method, mine, theirs))
                tried += 1
                refused = {403, 404} if method in methods else {405}
                assert answer.status_code in refused, f"{method} {road}"
                assert theirs.mark not in answer.content.decode(), f"{method} {road}"
    assert tried > 200
    assert rows_of(theirs) == before
    assert scaigrid.asked == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("inside", "outside"), [("red", "blue"), ("blue", "red")])
def test_no_flow_of_another_tenant_has_a_socket(
    sign_in: SignIn, tenants: dict[str, Tenant], inside: str, outside: str, role: str
) -> None:
    mine, theirs = tenants[inside], tenants[outside]
    caller = enter(sign_in, mine, theirs, ROLES[role])
    before = rows_of(theirs)
    for flow in (theirs.ids["flow_id"], theirs.ids["deleted"]):
        assert knock(SYNC, f"/api/v1/flows/{flow}/sync", token=caller.token) in {403, 404}
    assert rows_of(theirs) == before


@pytest.mark.parametrize(("inside", "outside"), [("red", "blue"), ("blue", "red")])
def test_with_full_rights_another_tenants_id_is_like_one_that_never_was(
    sign_in: SignIn, tenants: dict[str, Tenant], inside: str, outside: str
) -> None:
    """The same status and the same body, but for the admin roads of super admins, which are 403 whatever the id."""
    mine, theirs = tenants[inside], tenants[outside]
    caller = enter(sign_in, mine, theirs, ROLES["tenant admin"])
    nothing = {name: f"{value[:4]}never" for name, value in theirs.ids.items()} | {"version": "1.0.0"}
    for road, name, methods in roads():
        for method in methods if parameters(road) else []:
            body = body_for(name, method, mine, theirs)
            there, nowhere = (ask(caller, method, filled(road, ids), body) for ids in (theirs.ids, nothing))
            assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content), f"{method} {road}"
            assert there.status_code == (403 if name == "admin-flow-owner" else 404), f"{method} {road}"


@pytest.mark.parametrize(("inside", "outside"), [("red", "blue"), ("blue", "red")])
def test_their_id_under_a_flow_of_mine_opens_nothing_either(
    sign_in: SignIn, tenants: dict[str, Tenant], inside: str, outside: str
) -> None:
    mine, theirs = tenants[inside], tenants[outside]
    caller = enter(sign_in, mine, theirs, ROLES["author"])
    before = rows_of(theirs)
    for road, name, methods in roads():
        if "flow_id" in parameters(road) and set(parameters(road)) - {"flow_id"} - SHARED:
            for method in methods:
                path = filled(road, theirs.ids | {"flow_id": mine.ids["flow_id"]})
                assert ask(caller, method, path, body_for(name, method, mine, theirs)).status_code == 404, path
    assert rows_of(theirs) == before


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("inside", "outside"), [("red", "blue"), ("blue", "red")])
def test_no_list_shows_anything_of_another_tenant(
    sign_in: SignIn, tenants: dict[str, Tenant], inside: str, outside: str, role: str
) -> None:
    mine, theirs = tenants[inside], tenants[outside]
    caller = enter(sign_in, mine, theirs, ROLES[role])
    for road, name, methods in roads():
        if parameters(road) or "GET" not in methods:
            continue
        for query in (
            "",
            f"?tenant_id={theirs.id}",
            f"?search={theirs.mark}",
            f"?owner_id={theirs.author}",
            f"?core_id={theirs.ids['core_id']}",
        ):
            told = ask(caller, "GET", f"/{road}{query}").content.decode()
            shown = [value for value in (theirs.mark, *theirs.ids.values()) if value in told and value != "1.0.0"]
            assert shown == [], f"{name}{query}"


def ask(caller: Caller, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    raw = b"" if body is None else json.dumps(body).encode()
    return caller.generic(method, path, raw, content_type="application/json")
