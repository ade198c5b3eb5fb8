"""Admin routes: roles given and taken, people, tenants, and the audit log."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from scaiflow.kit.models import AuditEntry
from tenants.models import Group, User
from tests.conftest import Caller, SignIn
from tests.drawings import greeting


@pytest.fixture
def ben(db: None) -> User:
    return User.objects.create(id="usr_ben", tenant_id="tnt_demo", email="ben@demo.test", display_name="Ben")


def role_of(user_id: str) -> tuple[str | None, str | None]:
    user = User.objects.get(id=user_id)
    return user.admin_role, user.admin_role_source


def road(user_id: str) -> str:
    return f"/api/v1/admin/users/{user_id}/role"


def test_everybody_is_listed_as_promised(sam: Caller, ben: User) -> None:
    users = sam.get("/api/v1/admin/users").json()["users"]
    assert users[0] == {
        "id": "usr_ben", "tenant_id": "tnt_demo", "email": "ben@demo.test", "display_name": "Ben", "status": "ACTIVE",
        "admin_role": None, "admin_role_source": None, "deleted_at": None, "last_synced_at": None,
    }  # fmt: skip
    assert [user["id"] for user in users] == ["usr_ben", "usr_sam"]


def test_a_tenant_admin_makes_and_unmakes_tenant_admins(tara: Caller, ben: User) -> None:
    assert tara.post(road("usr_ben"), {"role": "tenant_admin"}).status_code == 204
    assert role_of("usr_ben") == ("tenant_admin", "manual")
    assert tara.delete(road("usr_ben")).status_code == 204
    assert role_of("usr_ben") == (None, None)
    told = AuditEntry.objects.filter(object_id="usr_ben").order_by("sequence").values_list("action", "actor_id")
    assert list(told) == [("role.granted", "usr_tara"), ("role.revoked", "usr_tara")]


def test_a_tenant_admin_has_no_say_over_super_admins(tara: Caller, sign_in: SignIn, ben: User) -> None:
    sign_in("usr_root", admin_role="super_admin")
    assert tara.post(road("usr_ben"), {"role": "super_admin"}).status_code == 403
    assert tara.post(road("usr_root"), {"role": "tenant_admin"}).status_code == 403
    assert tara.delete(road("usr_root")).status_code == 403
    assert (role_of("usr_ben"), role_of("usr_root")) == ((None, None), ("super_admin", "manual"))


def test_a_tenant_admin_sees_nobody_of_another_tenant(tara: Caller, sam: Caller) -> None:
    User.objects.create(id="usr_olaf", tenant_id="tnt_other")
    assert tara.post(road("usr_olaf"), {"role": "tenant_admin"}).status_code == 404
    assert sam.post(road("usr_olaf"), {"role": "tenant_admin"}).status_code == 204


def test_a_role_from_a_group_becomes_manual_when_it_is_given_by_hand(sam: Caller, ben: User) -> None:
    User.objects.filter(id="usr_ben").update(admin_role="super_admin", admin_role_source="group")
    assert sam.post(road("usr_ben"), {"role": "super_admin"}).status_code == 204
    assert role_of("usr_ben") == ("super_admin", "manual")


def test_the_last_super_admin_stays_one(sam: Caller, ben: User) -> None:
    assert sam.delete(road("usr_sam")).status_code == 409
    assert sam.post(road("usr_sam"), {"role": "tenant_admin"}).status_code == 409
    User.objects.create(
        id="usr_gone", tenant_id="tnt_demo", status="SUSPENDED", admin_role="super_admin", admin_role_source="manual"
    )
    assert sam.delete(road("usr_sam")).status_code == 409
    sam.post(road("usr_ben"), {"role": "super_admin"})
    assert sam.delete(road("usr_sam")).status_code == 204


@pytest.mark.django_db(transaction=True)
def test_two_super_admins_cannot_take_each_others_role_at_once(sign_in: SignIn) -> None:
    one, two = (sign_in(name, admin_role="super_admin") for name in ("usr_one", "usr_two"))
    gate = threading.Barrier(2)

    def take(caller: Caller, user_id: str) -> int:
        gate.wait()
        try:
            return caller.delete(road(user_id)).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(take, [one, two], ["usr_two", "usr_one"]))
    assert User.objects.super_admins().count() == 1
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 403, 409}


@pytest.mark.parametrize("body", [{}, {"role": "owner"}, {"role": 7}, {"role": None}])
def test_a_role_that_there_is_not_is_refused(sam: Caller, ben: User, body: dict[str, Any]) -> None:
    assert sam.post(road("usr_ben"), body).status_code == 422


def test_tenant_views_show_one_tenant(tara: Caller, sam: Caller, ada: Caller, olaf: Caller, ben: User) -> None:
    mine = ada.post("/api/v1/flows", {"name": "Mine", "content": greeting()}).json()["id"]
    theirs = olaf.post("/api/v1/flows", {"name": "Theirs", "content": greeting()}).json()["id"]
    Group.objects.create(id="grp_team", tenant_id="tnt_demo")

    def flows(caller: Caller, tenant: str = "") -> list[str]:
        page = caller.get("/api/v1/admin/tenant/flows", {"tenant_id": tenant} if tenant else {}).json()
        return [item["id"] for item in page["items"]]

    assert (flows(tara), flows(sam, "tnt_other"), flows(sam)) == ([mine], [theirs], [])
    assert tara.get("/api/v1/admin/tenant/flows?tenant_id=tnt_other").status_code == 403
    assert [user["id"] for user in tara.get("/api/v1/admin/tenant/users").json()["users"]] == ["usr_ben", "usr_tara"]
    assert tara.get("/api/v1/admin/tenant/users?tenant_id=tnt_other").status_code == 403
    assert sam.get("/api/v1/admin/tenants").json()["tenants"] == [
        {"id": "tnt_demo", "users": 2, "groups": 1, "flows": 1},
        {"id": "tnt_other", "users": 0, "groups": 0, "flows": 1},
        {"id": "tnt_platform", "users": 1, "groups": 0, "flows": 0},
    ]


def test_a_flow_is_given_to_another_owner_of_its_tenant(ada: Caller, sam: Caller, sign_in: SignIn, ben: User) -> None:
    flow = ada.post("/api/v1/flows", {"name": "Mine", "content": greeting()}).json()["id"]
    owner = f"/api/v1/admin/flows/{flow}/owner"
    assert sam.post(owner, {"owner_id": "usr_sam"}).status_code == 404
    assert sam.post(owner, {"owner_id": "usr_ben"}).json()["owner_id"] == "usr_ben"
    assert ada.get(f"/api/v1/flows/{flow}").status_code == 404
    assert sign_in("usr_ben").get(f"/api/v1/flows/{flow}").json()["level"] == "admin"
    assert AuditEntry.objects.get(action="flow.owner_changed").changes == {"owner_id": ["usr_ada", "usr_ben"]}


class TestAudit:
    @pytest.fixture(autouse=True)
    def history(self, ada: Caller, olaf: Caller) -> None:
        for caller, name in ((ada, "One"), (ada, "Two"), (olaf, "Three")):
            caller.post("/api/v1/flows", {"name": name, "content": greeting()})
        ada.get("/api/v1/admin/users")

    def told(self, caller: Caller, **query: Any) -> list[tuple[str, str]]:
        items = caller.get("/api/v1/admin/audit", query).json()["items"]
        return [(item["tenant_id"], item["action"]) for item in items]

    def test_a_tenant_admin_reads_their_tenants_and_a_super_admin_all(self, tara: Caller, sam: Caller) -> None:
        mine = [("tnt_demo", "right.refused"), ("tnt_demo", "flow.created"), ("tnt_demo", "flow.created")]
        assert self.told(tara) == mine
        assert self.told(sam) == [mine[0], ("tnt_other", "flow.created"), *mine[1:]]
        assert self.told(sam, tenant_id="tnt_other") == [("tnt_other", "flow.created")]
        assert tara.get("/api/v1/admin/audit?tenant_id=tnt_other").status_code == 403

    def test_filters_narrow_it(self, tara: Caller) -> None:
        assert len(self.told(tara, action="flow.created", actor_id="usr_ada", result="done")) == 2
        assert len(self.told(tara, result="refused", object_type="admin-users")) == 1
        assert self.told(tara, actor_id="usr_nobody") == []
        assert self.told(tara, since="2099-01-01T00:00:00Z") == []
        assert len(self.told(tara, until="2099-01-01T00:00:00Z")) == 3
        assert tara.get("/api/v1/admin/audit?since=yesterday").status_code == 422
        entry = AuditEntry.objects.filter(tenant_id="tnt_demo", action="flow.created").first()
        assert entry is not None
        for query in ({"object_id": entry.object_id}, {"request_id": entry.request_id}):
            assert self.told(tara, **query) == [("tnt_demo", "flow.created")]
            assert self.told(tara, **dict.fromkeys(query, "another")) == []

    def test_pages_hold_every_entry_once(self, sam: Caller) -> None:
        seen: list[str] = []
        cursor = ""
        while cursor is not None:
            page = sam.get("/api/v1/admin/audit", {"limit": 1, "cursor": cursor}).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen)) == 4


def test_the_people_of_a_demonstration_are_written_down_once(db: None) -> None:
    for _ in range(2):
        call_command("seed", stdout=StringIO())
    told = AuditEntry.objects.filter(action="user.mirrored").order_by("object_id")
    assert [(entry.object_id, entry.changes.get("admin_role")) for entry in told] == [
        ("usr_ada", None), ("usr_sam", [None, "super_admin"]), ("usr_tara", [None, "tenant_admin"]), ("usr_vera", None),
    ]  # fmt: skip
