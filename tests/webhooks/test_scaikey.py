"""ScaiKey's webhooks: who may speak, what is applied, once, and in which order."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from scaiflow.kit.leases import lease
from scaiflow.kit.models import AuditEntry
from tenants.models import Group, Membership, User
from tenants.operations.sync import LEASE
from tests.conftest import Caller
from tests.loopback import Told
from tests.scaikey import ScaiKey
from tests.tenants.directory import Directory, person
from tests.tenants.test_sync import wait_until
from webhooks.models import Delivery
from webhooks.signature import BadSignature, check, sign
from webhooks.waiting import apply_waiting

pytestmark = pytest.mark.django_db
ROAD = "/api/v1/webhooks/scaikey"
SECRET = "whsec_the-secret-of-the-hook"
NOON = datetime.now(UTC)


@pytest.fixture(autouse=True)
def secret(settings: Any) -> None:
    settings.SCAIKEY_WEBHOOK_SECRETS = [SECRET]


def signed(raw: bytes, *, secret: str = SECRET, moment: int | None = None) -> dict[str, str]:
    moment = int(time.time()) if moment is None else moment
    signature = f"t={moment},v1={sign(raw=raw, secret=secret, moment=moment)}"
    return {"X-Scaikey-Signature": signature, "X-Scaikey-Timestamp": str(moment)}


def post(raw: bytes, headers: dict[str, str]) -> Any:
    return Client(raise_request_exception=False).post(ROAD, raw, content_type="application/json", headers=headers)


def send(kind: str, data: dict[str, Any], *, minutes: float = 0, event_id: str | None = None, **more: Any) -> Any:
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    event = {
        "id": event_id or f"evt_{kind}_{minutes}",
        "type": kind,
        "created_at": at,
        "tenant_id": "tnt_demo",
        "data": data,
    }
    raw = json.dumps(event | more).encode()
    answer = post(raw, signed(raw))
    assert answer.status_code == 200, answer.content
    return answer.json()["handled"]


class TestSignature:
    RAW = b'{"id": "evt_1", "type": "user.created", "data": {"id": "usr_x", "tenant_id": "tnt_demo"}}'

    def test_a_signed_event_is_taken(self) -> None:
        assert post(self.RAW, signed(self.RAW)).json() == {"handled": True}

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda h: h.pop("X-Scaikey-Signature"),
            lambda h: h.pop("X-Scaikey-Timestamp"),
            lambda h: h.update({"X-Scaikey-Timestamp": str(int(h["X-Scaikey-Timestamp"]) + 1)}),
            lambda h: h.update({"X-Scaikey-Signature": h["X-Scaikey-Signature"][:-1] + "x"}),
            lambda h: h.update({"X-Scaikey-Signature": h["X-Scaikey-Signature"].replace("v1=", "v0=")}),
            lambda h: h.update({"X-Scaikey-Signature": h["X-Scaikey-Signature"].partition(",")[2]}),
            lambda h: h.update({"X-Scaikey-Signature": "t=now,v1=00", "X-Scaikey-Timestamp": "now"}),
            lambda h: h.update({"X-Scaikey-Signature": "t=1,t=2,v1=00", "X-Scaikey-Timestamp": "1"}),
            lambda h: h.update(signed(TestSignature.RAW, secret="another")),
            lambda h: h.update(signed(TestSignature.RAW + b" ")),
            lambda h: h.update(signed(TestSignature.RAW, moment=int(time.time()) - 302)),
            lambda h: h.update(signed(TestSignature.RAW, moment=int(time.time()) + 302)),
        ],
    )
    def test_anything_else_is_refused_and_leaves_no_trace(self, spoil: Any) -> None:
        headers = signed(self.RAW)
        spoil(headers)
        answer = post(self.RAW, headers)
        assert answer.status_code == 400
        assert SECRET not in answer.content.decode()
        assert not Delivery.objects.exists()
        assert not User.objects.exists()

    def test_of_several_signatures_and_secrets_one_that_fits_is_enough(self, settings: Any) -> None:
        settings.SCAIKEY_WEBHOOK_SECRETS = ["the-next-one", SECRET]
        headers = signed(self.RAW)
        headers["X-Scaikey-Signature"] += ",v1=00ff"
        assert post(self.RAW, headers).status_code == 200

    def test_without_a_secret_the_hook_is_unavailable(self, settings: Any) -> None:
        settings.SCAIKEY_WEBHOOK_SECRETS = []
        answer = post(self.RAW, signed(self.RAW))
        assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "webhooks")

    @pytest.mark.parametrize(
        "raw",
        [
            b"", b"{", b"[]", b'{"id": "e"}', b'{"type": "user.created"}', b'{"id": 7, "type": "t"}',
            b'{"id": "e", "type": "t", "created_at": "soon"}', b'{"id": "e", "type": "t", "tenant_id": "../x"}',
        ],
    )  # fmt: skip
    def test_what_is_signed_but_no_event_is_unprocessable(self, raw: bytes) -> None:
        assert post(raw, signed(raw)).status_code == 422

    @given(st.binary(max_size=200), st.text(max_size=60), st.text(max_size=20))
    def test_no_header_breaks_the_check(self, raw: bytes, header: str, timestamp: str) -> None:
        with pytest.raises(BadSignature):
            check(raw=raw, signature=header, timestamp=timestamp, secrets=[SECRET], now=1_800_000_000)


class TestEnvelopes:
    ABOUT = {"id": "usr_x", "email": "x@demo.test", "name": "Xenia", "tenant_id": "tnt_demo"}

    @pytest.mark.parametrize(
        "event",
        [
            {"id": "e", "type": "user.created", "created_at": NOON.isoformat(), "data": ABOUT},
            {"event_id": "e", "event_type": "user.created", "timestamp": NOON.isoformat(), "data": ABOUT},
            {"event_id": "e", "event_type": "user.created", "timestamp": NOON.timestamp(), "tenant_id": "tnt_demo",
             "resource": {"type": "user", "id": "usr_x"}, "data": {"email": "x@demo.test", "name": "Xenia"}},
            {"id": "e", "type": "user.created", "tenant_id": "tnt_demo", "resource": ABOUT},
            {"id": "e", "type": "user.created", "data": {"user": ABOUT}},
            {"id": "e", "type": "user.created", "data": {"id": "usr_x", "email": "x@demo.test", "name": "Xenia",
             "tenant": {"id": "tnt_demo"}}},
        ],
    )  # fmt: skip
    def test_either_naming_is_understood(self, event: dict[str, Any]) -> None:
        raw = json.dumps(event).encode()
        assert post(raw, signed(raw)).json() == {"handled": True}
        user = User.objects.get(id="usr_x")
        assert (user.email, user.display_name, user.tenant_id) == ("x@demo.test", "Xenia", "tnt_demo")

    def test_two_tenants_in_one_event_are_refused(self) -> None:
        raw = json.dumps({"id": "e", "type": "user.created", "tenant_id": "tnt_other", "data": self.ABOUT}).encode()
        assert post(raw, signed(raw)).status_code == 422
        assert not User.objects.exists()

    def test_an_unknown_type_is_kept_and_not_handled(self) -> None:
        assert send("invoice.paid", {"id": "inv_1"}) is False
        assert Delivery.objects.get().outcome == "unknown type"

    def test_an_event_that_names_nobody_is_not_handled(self) -> None:
        assert send("user.created", {"email": "x@demo.test"}) is False


class TestUsers:
    def test_their_whole_life(self) -> None:
        send("user.created", {"id": "usr_x", "email": "x@demo.test", "name": "Xenia"})
        send("user.updated", {"id": "usr_x", "name": "Xenia X."}, minutes=1)
        user = User.objects.get()
        assert (user.email, user.display_name, user.status) == ("x@demo.test", "Xenia X.", "ACTIVE")
        send("user.suspended", {"id": "usr_x"}, minutes=2)
        assert User.objects.get().is_shut_out
        send("user.activated", {"id": "usr_x"}, minutes=3)
        assert not User.objects.get().is_shut_out
        User.objects.update(admin_role="tenant_admin", admin_role_source="manual")
        send("user.deleted", {"id": "usr_x"}, minutes=4)
        user = User.objects.get()
        assert (user.is_shut_out, user.admin_role) == (True, "tenant_admin")
        assert AuditEntry.objects.filter(action="user.mirrored", object_id="usr_x").count() == 5

    def test_a_late_event_is_not_applied_over_a_newer_one(self) -> None:
        assert send("user.updated", {"id": "usr_x", "name": "New"}, minutes=2) is True
        assert send("user.updated", {"id": "usr_x", "name": "Old"}, minutes=1) is False
        assert User.objects.get().display_name == "New"
        assert Delivery.objects.get(occurred_at__lt=NOON + timedelta(minutes=1.5)).outcome == "older than the mirror"

    def test_a_beginning_that_comes_after_the_end_brings_nobody_back(self) -> None:
        send("user.deleted", {"id": "usr_x"}, minutes=2)
        send("user.created", {"id": "usr_x", "name": "X"}, minutes=1)
        assert User.objects.get().deleted_at is not None
        send("user.created", {"id": "usr_x", "name": "X"}, minutes=3)
        assert User.objects.get().deleted_at is None

    def test_another_tenants_event_ends_nobody(self) -> None:
        User.objects.create(id="usr_x", tenant_id="tnt_demo")
        send("user.deleted", {"id": "usr_x"}, minutes=2, tenant_id="tnt_other")
        assert User.objects.get().deleted_at is None

    def test_a_shut_out_user_is_refused_at_once(self, ada: Caller) -> None:
        assert ada.get("/api/v1/me").status_code == 200
        send("user.suspended", {"id": "usr_ada"})
        assert ada.get("/api/v1/me").status_code == 401


class TestGroups:
    @pytest.mark.parametrize("word", ["group_membership.{}", "group.member_{}"])
    @pytest.mark.parametrize("form", ["flat", "nested"])
    def test_memberships_come_and_go_under_both_names(self, ada: Caller, word: str, form: str) -> None:
        flat = {"group_id": "grp_x", "user_id": "usr_ada"}
        pair = flat if form == "flat" else {"group": {"id": "grp_x"}, "user": {"id": "usr_ada"}}
        send("group.created", {"id": "grp_x", "name": "X"})
        assert send(word.format("added"), pair, minutes=1) is True
        assert ada.get("/api/v1/me").json()["groups"] == ["grp_x"]
        send("group.updated", {"id": "grp_x", "name": "Y"}, minutes=1)
        assert Group.objects.get().name == "Y"
        assert send(word.format("removed"), pair, minutes=2) is True
        assert ada.get("/api/v1/me").json()["groups"] == []
        assert Membership.objects.get().deleted_at is not None

    def test_a_membership_waits_for_its_group(self, ada: Caller) -> None:
        send("group.member_added", {"group_id": "grp_x", "user_id": "usr_ada"}, minutes=2)
        assert ada.get("/api/v1/me").json()["groups"] == []
        send("group.created", {"id": "grp_x", "name": "X"}, minutes=1)
        assert ada.get("/api/v1/me").json()["groups"] == ["grp_x"]

    def test_a_removal_that_overtakes_its_beginning_wins(self, ada: Caller) -> None:
        pair = {"group_id": "grp_x", "user_id": "usr_ada"}
        send("group.created", {"id": "grp_x"})
        send("group.member_removed", pair, minutes=2)
        assert send("group.member_added", pair, minutes=1) is False
        assert ada.get("/api/v1/me").json()["groups"] == []

    def test_super_admins_follow_their_group(self, settings: Any) -> None:
        settings.SUPER_ADMIN_GROUPS = ["grp_root"]
        pair = {"group_id": "grp_root", "user_id": "usr_x"}
        send("group.member_added", pair)
        send("group.created", {"id": "grp_root"}, minutes=1)
        send("user.created", {"id": "usr_x"}, minutes=2)
        assert User.objects.get().admin_role == "super_admin"
        send("group.member_removed", pair, minutes=3)
        assert User.objects.get().admin_role is None
        send("group.member_added", pair, minutes=4)
        assert User.objects.get().admin_role == "super_admin"
        send("group.deleted", {"id": "grp_root"}, minutes=5)
        assert User.objects.get().admin_role is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["application.group_assigned", "application.group_unassigned"])
def test_an_application_given_to_a_group_refreshes_users_and_creates_no_group(scaikey: ScaiKey, kind: str) -> None:
    directory = Directory(scaikey)
    directory.people["tnt_demo"] = [person("usr_ada"), person("usr_ben")]
    directory.groups["tnt_demo"] = {"grp_team": "Team"}
    directory.serve()
    assert send(kind, {"group_id": "grp_team", "application_id": "app_1"}) is True
    wait_until(lambda: User.objects.count() == 2)
    assert not Group.objects.exists()


class TestWaiting:
    @pytest.fixture
    def directory(self, scaikey: ScaiKey, settings: Any) -> Directory:
        """Nobody listens to the broker, and no beat beats."""
        settings.REDIS_URL = "redis://nobody.listens"
        there = Directory(scaikey)
        there.people["tnt_demo"], there.people["tnt_other"] = [person("usr_ada")], [person("usr_olaf", "tnt_other")]
        return there.serve()

    def test_what_no_worker_was_told_of_waits_for_the_beat(self, directory: Directory) -> None:
        for number in range(3):
            assert send("application.group_assigned", {"group_id": "grp_x"}, event_id=f"evt_{number}") is True
        assert set(Delivery.objects.values_list("outcome", flat=True)) == {"will be applied"}
        assert not User.objects.exists()
        before = len(directory.scaikey.calls("GET", directory.road("tnt_demo")))
        apply_waiting()
        assert User.objects.get().id == "usr_ada"
        assert set(Delivery.objects.values_list("outcome", "waits_since")) == {("applied", None)}
        assert len(directory.scaikey.calls("GET", directory.road("tnt_demo"))) == before + 1
        assert send("application.group_assigned", {"group_id": "grp_x"}, event_id="evt_0") is True

    @pytest.mark.parametrize("trouble", [Told(500, {}), Told(429, b"slow"), Told(200, b"<html>")])
    def test_it_waits_as_long_as_scaikey_is_away_and_holds_up_nobody(
        self, directory: Directory, trouble: Told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("webhooks.waiting.AT_ONCE", 1)
        directory.effective = trouble
        directory.serve()
        directory.scaikey.on("GET", directory.road("tnt_other"), directory.everybody("tnt_other"))
        send("application.group_assigned", {"group_id": "grp_x"}, event_id="evt_1")
        send("application.group_assigned", {"group_id": "grp_y"}, event_id="evt_2", tenant_id="tnt_other")
        apply_waiting()
        assert User.objects.get().id == "usr_olaf"
        assert Delivery.objects.get(waits_since__isnull=False).event_id == "evt_1"
        directory.effective = None
        directory.serve()
        apply_waiting()
        assert set(User.objects.values_list("id", flat=True)) == {"usr_ada", "usr_olaf"}

    def test_it_waits_while_a_sweep_is_running(self, directory: Directory) -> None:
        send("application.group_unassigned", {"group_id": "grp_x"})
        with lease(LEASE):
            apply_waiting()
        assert Delivery.objects.filter(waits_since__isnull=False).exists()


def test_a_repeated_event_is_answered_alike_and_applied_once() -> None:
    assert send("user.created", {"id": "usr_x", "name": "X"}, event_id="evt_1") is True
    User.objects.update(display_name="Changed since")
    assert send("user.created", {"id": "usr_x", "name": "X"}, event_id="evt_1") is True
    assert User.objects.get().display_name == "Changed since"
    assert Delivery.objects.get().repeats == 1


@pytest.mark.django_db(transaction=True)
def test_an_event_delivered_many_times_at_once_is_applied_once() -> None:
    gate = threading.Barrier(6)

    def deliver(_: int) -> bool:
        gate.wait()
        try:
            return bool(send("user.created", {"id": "usr_x"}, event_id="evt_1"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(deliver, range(6))) == [True] * 6
    assert AuditEntry.objects.filter(action="user.mirrored").count() == 1
    assert Delivery.objects.get().repeats == 5


@pytest.mark.django_db(transaction=True)
def test_of_many_events_about_somebody_new_at_once_the_newest_wins() -> None:
    gate = threading.Barrier(6)

    def deliver(minute: int) -> bool:
        gate.wait()
        try:
            return bool(send("user.updated", {"id": "usr_x", "name": f"X{minute}"}, minutes=minute / 10))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(deliver, range(6)))
    assert User.objects.get().display_name == "X5"
    assert Delivery.objects.count() == 6


def test_deliveries_are_shown_to_admins_of_their_tenant(sam: Caller, tara: Caller, ada: Caller) -> None:
    send("user.created", {"id": "usr_x", "password": "hunter2"})
    send("user.created", {"id": "usr_y"}, event_id="evt_other", tenant_id="tnt_other")
    send("invoice.paid", {"id": "inv_1"})
    road = "/api/v1/admin/webhooks"

    def told(caller: Caller, **query: Any) -> list[str]:
        return [item["event_id"] for item in caller.get(road, query).json()["items"]]

    (unknown, item) = tara.get(road).json()["items"]
    assert (item["type"], item["handled"], item["outcome"]) == ("user.created", True, "applied")
    assert item["about"] == {"id": "usr_x", "password": "[hidden]"}
    assert told(sam) == [unknown["event_id"], "evt_other", item["event_id"]]
    assert told(sam, tenant_id="tnt_other") == ["evt_other"]
    assert told(tara, handled="false") == told(tara, type="invoice.paid") == [unknown["event_id"]]
    assert tara.get(road, {"tenant_id": "tnt_other"}).status_code == 403
    assert ada.get(road).status_code == 403


@time_machine.travel(NOON)
def test_an_event_from_the_far_future_does_not_shut_out_what_follows() -> None:
    send("user.updated", {"id": "usr_x", "name": "Future"}, minutes=60 * 24 * 365)
    send("user.updated", {"id": "usr_x", "name": "Soon"}, minutes=10)
    assert User.objects.get().display_name == "Soon"
    assert User.objects.get().source_at < NOON + timedelta(minutes=20)
