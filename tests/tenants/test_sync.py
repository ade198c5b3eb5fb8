"""The mirror follows ScaiKey: whole, never by half, and never into the void."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from celery.signals import task_postrun
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connections
from django.utils import timezone

from scaiflow.kit.jobs import enqueue
from scaiflow.kit.leases import TERM, LeaseTaken, lease
from scaiflow.kit.models import AuditChain, AuditEntry, Lease
from scaiflow.kit.schedule import Beat
from tenants.models import Group, Membership, User
from tenants.operations.sync import LEASE, refresh_users, sync
from tests.conftest import Caller
from tests.loopback import Asked, Told
from tests.scaikey import ScaiKey
from tests.tenants.directory import ENVELOPES, Directory, person

pytestmark = pytest.mark.django_db
FIELDS = [
    "skipped_reason", "users_method", "users_seen", "users_added", "users_undeleted", "users_soft_deleted",
    "groups_seen", "groups_added", "groups_undeleted", "groups_soft_deleted", "memberships_seen", "memberships_added",
    "memberships_soft_deleted", "super_admin_count", "super_admins_group_promoted", "super_admins_group_demoted",
    "duration_seconds",
]  # fmt: skip


@pytest.fixture
def directory(scaikey: ScaiKey) -> Directory:
    """Three people in two groups of one tenant."""
    there = Directory(scaikey)
    there.people["tnt_demo"] = [person("usr_ada"), person("usr_ben"), person("usr_eve")]
    there.groups["tnt_demo"] = {"grp_all": "Everybody", "grp_root": "Platform"}
    there.members = {"grp_all": list(there.people["tnt_demo"]), "grp_root": [person("usr_eve")]}
    return there.serve()


def living(model: Any) -> set[str]:
    return set(model.objects.filter(deleted_at=None).values_list("pk", flat=True))


def test_a_sweep_answers_exactly_what_was_promised(directory: Directory, sam: Caller) -> None:
    answer = sam.post("/api/v1/admin/sync")
    assert answer.status_code == 200
    assert list(answer.json()) == FIELDS
    assert answer.json() | {"duration_seconds": 0} == {
        "skipped_reason": None, "users_method": "effective_users", "users_seen": 3, "users_added": 3,
        "users_undeleted": 0, "users_soft_deleted": 0, "groups_seen": 2, "groups_added": 2, "groups_undeleted": 0,
        "groups_soft_deleted": 0, "memberships_seen": 4, "memberships_added": 4, "memberships_soft_deleted": 0,
        "super_admin_count": 1, "super_admins_group_promoted": 0, "super_admins_group_demoted": 0, "duration_seconds": 0,
    }  # fmt: skip


def test_who_is_gone_at_scaikey_is_gone_here_and_may_come_back(directory: Directory) -> None:
    sync()
    kept = directory.people["tnt_demo"][:]
    directory.people["tnt_demo"].pop(1)
    directory.groups["tnt_demo"].pop("grp_root")
    report = sync()
    assert (report["users_soft_deleted"], report["groups_soft_deleted"]) == (1, 1)
    assert report["memberships_soft_deleted"] == 1
    assert (living(User), living(Group)) == ({"usr_ada", "usr_eve"}, {"grp_all"})
    directory.people["tnt_demo"][:] = kept
    directory.groups["tnt_demo"]["grp_root"] = "Platform"
    report = sync()
    assert (report["users_undeleted"], report["groups_undeleted"], report["memberships_added"]) == (1, 1, 1)
    assert living(User) == {"usr_ada", "usr_ben", "usr_eve"}


@pytest.mark.parametrize("page_size", [1, 2, 100])
@pytest.mark.parametrize("envelope", ENVELOPES)
def test_every_envelope_is_understood_and_read_to_its_end(directory: Directory, envelope: str, page_size: int) -> None:
    directory.envelope, directory.page_size = envelope, page_size
    report = sync()
    assert (report["users_seen"], report["groups_seen"], report["memberships_seen"]) == (3, 2, 4)


def test_a_list_that_ignores_pages_still_ends(directory: Directory, scaikey: ScaiKey) -> None:
    road = "/api/v1/tenants/tnt_demo/applications/me/effective-users"
    scaikey.on("GET", road, Told(200, directory.people["tnt_demo"]))
    assert sync()["users_seen"] == 3


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"id": "u", "email": "u@x.test", "first_name": "Uma", "last_name": "Ur"}, ("u@x.test", "Uma Ur", "ACTIVE")),
        ({"id": "u", "display_name": "U.", "name": "Other", "status": "suspended"}, ("", "U.", "SUSPENDED")),
        ({"id": "u", "name": "Uma", "tenant": {"id": "tnt_demo"}}, ("", "Uma", "ACTIVE")),
        ({"id": "u", "name": "U\0ma", "status": "S" * 300, "email": 7}, ("", "Uma", "S" * 32)),
    ],
)
def test_a_person_is_understood_in_any_form(directory: Directory, told: dict[str, Any], kept: tuple[str, ...]) -> None:
    directory.people["tnt_demo"] = [told]
    sync()
    user = User.objects.get(id="u")
    assert (user.email, user.display_name, user.status) == kept


def test_without_the_right_to_ask_for_users_the_groups_are_walked(directory: Directory) -> None:
    directory.effective = Told(403, {"error": {"code": "forbidden", "message": "no"}})
    report = directory.serve() and sync()
    assert (report["users_method"], report["users_seen"], report["memberships_seen"]) == ("member_walk", 3, 4)


def test_without_platform_rights_our_own_tenant_is_swept(directory: Directory) -> None:
    directory.tenants = Told(403, {})
    directory.people["tnt_other"] = [person("usr_olaf", "tnt_other")]
    directory.serve()
    assert sync()["users_seen"] == 3
    assert "usr_olaf" not in living(User)


@pytest.mark.parametrize(
    "told",
    [
        Told(500, {}),
        Told(200, b"<html>"),
        Told(200, {"items": [{"name": "x"}]}),
        Told(200, {"items": [{"id": "x" * 200}]}),
        Told(200, {}),
    ],
)
def test_a_sweep_that_fails_half_way_changes_nothing(
    directory: Directory, scaikey: ScaiKey, sam: Caller, told: Told
) -> None:
    sync()
    before = list(User.objects.order_by("id").values())
    directory.people["tnt_demo"] = [person("usr_new")]
    scaikey.on("GET", "/api/v1/admin/groups/grp_root/members", told)
    answer = sam.post("/api/v1/admin/sync")
    assert (answer.status_code, answer.json()["detail"]["error"]) == (502, "scaikey_api")
    assert list(User.objects.exclude(id="usr_sam").order_by("id").values()) == [
        u for u in before if u["id"] != "usr_sam"
    ]
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("sync_scaikey")


@pytest.mark.parametrize("left", [0, 1])
def test_a_list_that_shrank_deletes_nobody_unless_forced(directory: Directory, left: int) -> None:
    sync()
    directory.people["tnt_demo"] = directory.people["tnt_demo"][:left]
    report = sync()
    assert (report["skipped_reason"], report["users_soft_deleted"]) == ("shrunk", 0)
    assert len(living(User)) == 3
    said = StringIO()
    call_command("sync_scaikey", "--force", stdout=said)
    assert f"users_soft_deleted: {3 - left}" in said.getvalue()
    assert len(living(User)) == left


def shrink(directory: Directory, what: str) -> None:
    """One group of three is left, with all its members; or one member of six, with all groups."""
    everybody = directory.people["tnt_demo"]
    directory.groups["tnt_demo"] = {"grp_a": "A", "grp_b": "B", "grp_c": "C"}
    directory.members = {"grp_a": everybody, "grp_b": everybody, "grp_c": []}
    directory.serve()
    sync()
    if what == "groups":
        directory.groups["tnt_demo"] = {"grp_a": "A"}
    else:
        directory.members = {"grp_a": everybody[:1]}


@pytest.mark.parametrize(("what", "ended"), [("groups", (0, 2, 3)), ("memberships", (0, 0, 5))])
def test_groups_and_memberships_are_guarded_as_people_are(
    directory: Directory, sam: Caller, what: str, ended: tuple[int, ...]
) -> None:
    """Half of the memberships are left when a group is: then the groups alone are too few."""
    shrink(directory, what)
    counts = ("users_soft_deleted", "groups_soft_deleted", "memberships_soft_deleted")
    told = sam.post("/api/v1/admin/sync").json()
    assert (told["skipped_reason"], *(told[count] for count in counts)) == ("shrunk", 0, 0, 0)
    assert living(Group) == {"grp_a", "grp_b", "grp_c"}
    assert Membership.objects.living().count() == 6
    told = sam.post("/api/v1/admin/sync", {"force": True}).json()
    assert (told["skipped_reason"], *(told[count] for count in counts)) == (None, *ended)
    assert Membership.objects.living().count() == 6 - ended[2]


def test_what_is_half_as_long_is_believed(directory: Directory) -> None:
    shrink(directory, "memberships")
    directory.groups["tnt_demo"].pop("grp_c")
    directory.members = {"grp_a": directory.people["tnt_demo"]}
    report = sync()
    assert (report["skipped_reason"], report["groups_soft_deleted"], report["memberships_soft_deleted"]) == (None, 1, 3)


def test_people_of_another_tenant_in_a_list_are_left_out(directory: Directory) -> None:
    directory.people["tnt_demo"].append(person("usr_olaf", "tnt_other"))
    directory.members["grp_all"].append(person("usr_olaf", "tnt_other"))
    sync()
    assert "usr_olaf" not in living(User)
    assert not Membership.objects.filter(user_id="usr_olaf").exists()


def test_who_moves_to_another_tenant_is_not_its_admin(directory: Directory) -> None:
    User.objects.create(id="usr_ada", tenant_id="tnt_other", admin_role="tenant_admin", admin_role_source="manual")
    sync()
    user = User.objects.get(id="usr_ada")
    assert (user.tenant_id, user.admin_role) == ("tnt_demo", None)
    entry = AuditEntry.objects.get(action="role.revoked")
    assert (entry.tenant_id, entry.object_id) == ("tnt_other", "usr_ada")


def test_what_changed_after_the_list_was_read_stays(directory: Directory) -> None:
    sync()
    later = timezone.now() + timedelta(minutes=5)
    User.objects.filter(id="usr_ada").update(status="SUSPENDED", source_at=later)
    User.objects.filter(id="usr_ben").update(source_at=later)
    directory.people["tnt_demo"].pop(1)
    sync()
    assert User.objects.get(id="usr_ada").status == "SUSPENDED"
    assert "usr_ben" in living(User)


def test_two_sweeps_never_run_at_once(directory: Directory) -> None:
    with lease(LEASE):
        assert sync()["skipped_reason"] == "running"
        assert refresh_users(tenant_id="tnt_demo") is False
    assert not User.objects.exists()
    assert sync()["skipped_reason"] is None


def test_a_lease_of_a_dead_holder_ends_and_a_late_holder_notices() -> None:
    with lease("tests") as late:
        Lease.objects.update(held_until=datetime(2026, 1, 1, tzinfo=UTC))
        with lease("tests"):
            with pytest.raises(LeaseTaken):
                late.renew()
            with pytest.raises(LeaseTaken), lease("tests"):
                pass


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("long_list", ["users", "groups", "members"])
@pytest.mark.parametrize("work", [sync, lambda: refresh_users(tenant_id="tnt_demo")])
def test_a_list_of_many_pages_does_not_outlive_the_lease(directory: Directory, work: Any, long_list: str) -> None:
    """Each page takes most of the term, and somebody else asks meanwhile."""
    directory.page_size = 1
    directory.effective = Told(403) if long_list != "users" else None
    directory.serve()
    roads = {
        "users": directory.road("tnt_demo"), "groups": "/api/v1/admin/groups/",
        "members": "/api/v1/admin/groups/grp_all/members",
    }  # fmt: skip
    road, others = roads[long_list], []
    answer = directory.scaikey.answer_of("GET", road)
    with time_machine.travel(datetime.now(UTC)) as clock:

        def slow_page(asked: Asked) -> Told:
            clock.shift(TERM * 0.8)
            others.append(sync()["skipped_reason"])
            connections.close_all()
            return answer(asked)

        directory.scaikey.on("GET", road, slow_page)
        done = work()
    assert done is True or done["skipped_reason"] is None
    assert living(User) == {"usr_ada", "usr_ben", "usr_eve"}
    assert len(others) >= 2
    assert set(others) == {"running"}


def test_without_a_scaikey_there_is_nothing_to_sweep(settings: Any) -> None:
    settings.SCAIKEY_BASE_URL = ""
    assert sync()["skipped_reason"] == "not_configured"


class TestSuperAdmins:
    @pytest.fixture(autouse=True, params=["grp_root", "Platform"])
    def configured(self, request: Any, settings: Any) -> None:
        settings.SUPER_ADMIN_GROUPS = [request.param]

    def role(self, user_id: str) -> tuple[str | None, str | None]:
        user = User.objects.get(id=user_id)
        return user.admin_role, user.admin_role_source

    def test_they_come_and_go_with_the_group(self, directory: Directory) -> None:
        report = sync()
        assert (report["super_admins_group_promoted"], report["super_admin_count"]) == (1, 1)
        assert self.role("usr_eve") == ("super_admin", "group")
        directory.members["grp_root"] = [person("usr_ada")]
        report = sync()
        assert (report["super_admins_group_promoted"], report["super_admins_group_demoted"]) == (1, 1)
        assert (self.role("usr_eve"), self.role("usr_ada")) == ((None, None), ("super_admin", "group"))
        told = AuditEntry.objects.filter(action__startswith="role.").values_list("action", "object_id", "actor_id")
        assert ("role.revoked", "usr_eve", "system") in set(told)

    @pytest.mark.parametrize("source", ["manual", "bootstrap"])
    def test_what_people_gave_is_never_touched(self, directory: Directory, source: str) -> None:
        User.objects.create(id="usr_ada", tenant_id="tnt_demo", admin_role="super_admin", admin_role_source=source)
        User.objects.create(id="usr_eve", tenant_id="tnt_demo", admin_role="tenant_admin", admin_role_source=source)
        sync()
        assert self.role("usr_ada") == ("super_admin", source)
        assert self.role("usr_eve") == ("tenant_admin", source)


def test_a_tenant_cannot_make_super_admins_by_a_groups_name(directory: Directory, settings: Any) -> None:
    settings.SUPER_ADMIN_GROUPS = ["Platform"]
    sync()
    directory.people["tnt_evil"] = [person("usr_mal", "tnt_evil")]
    directory.groups["tnt_evil"] = {"grp_evil": "Platform"}
    directory.members["grp_evil"] = [person("usr_mal", "tnt_evil")]
    directory.serve()
    sync()
    assert list(User.objects.super_admins().values_list("id", flat=True)) == ["usr_eve"]


def test_the_first_super_admin_is_made_on_the_command_line(directory: Directory) -> None:
    sync()
    call_command("grant_role", "USR_ADA@demo.test", "--role", "super_admin", stdout=StringIO())
    user = User.objects.get(id="usr_ada")
    assert (user.admin_role, user.admin_role_source) == ("super_admin", "bootstrap")
    with pytest.raises(CommandError, match="nobody"):
        call_command("grant_role", "nobody@demo.test", "--role", "super_admin")
    with pytest.raises(CommandError, match="last super_admin"):
        call_command("grant_role", "usr_ada@demo.test", "--role", "tenant_admin")
    User.objects.create(id="usr_twin", tenant_id="tnt_other", email="usr_ada@demo.test")
    with pytest.raises(CommandError, match="--tenant"):
        call_command("grant_role", "usr_ada@demo.test", "--role", "tenant_admin")


def test_a_sweep_that_did_something_is_in_the_audit_log(directory: Directory, sam: Caller) -> None:
    sam.post("/api/v1/admin/sync")
    entry = AuditEntry.objects.get(action="mirror.synced")
    assert (entry.actor_id, entry.tenant_id, entry.changes["users_added"]) == ("usr_sam", "tnt_demo", 3)
    assert entry.changes["names"]["users_added"] == ["usr_ada", "usr_ben", "usr_eve"]
    assert "grp_root/usr_eve" in entry.changes["names"]["memberships_added"]
    sync()
    assert AuditEntry.objects.filter(action="mirror.synced").count() == 1


def test_what_a_sweep_changed_of_somebody_stands_in_the_audit_log(directory: Directory) -> None:
    sync()
    directory.people["tnt_demo"][0] |= {"status": "SUSPENDED"}
    sync()
    entry = AuditEntry.objects.filter(action="mirror.synced").latest("sequence")
    assert entry.actor_id == "system"
    assert entry.changes["names"] == {"users_changed": [{"id": "usr_ada", "status": ["ACTIVE", "SUSPENDED"]}]}
    directory.groups["tnt_demo"]["grp_all"] = "Everyone"
    sync()
    entry = AuditEntry.objects.filter(action="mirror.synced").latest("sequence")
    assert entry.changes["names"] == {"groups_changed": [{"id": "grp_all", "name": ["Everybody", "Everyone"]}]}


@pytest.mark.django_db(transaction=True)
def test_a_sweep_that_the_database_ends_half_way_has_changed_nobody(directory: Directory, settings: Any) -> None:
    directory.people["tnt_other"] = [person("usr_olaf", "tnt_other")]
    directory.serve()
    sync()
    directory.people["tnt_demo"].pop()
    directory.people["tnt_other"][0] |= {"name": "Olaf the Second"}
    chain = AuditChain.objects.get(tenant_id="tnt_other")
    next_entry = {"tenant_id": "tnt_other", "sequence": chain.sequence + 1, "at": timezone.now()}
    AuditEntry.objects.create(**next_entry)  # somebody has it already, so the second tenant's cannot be written
    with pytest.raises(IntegrityError):
        sync()
    assert living(User) == {"usr_ada", "usr_ben", "usr_eve", "usr_olaf"}
    AuditChain.objects.filter(tenant_id="tnt_other").update(sequence=chain.sequence + 1)
    assert sync()["users_soft_deleted"] == 1


@pytest.fixture
def ended() -> Iterator[list[str]]:
    """The tasks that have ended: what they do at their end is not left to the next test."""
    names: list[str] = []

    def note(*, task: Any, **_: Any) -> None:
        names.append(task.name)

    task_postrun.connect(note)
    yield names
    task_postrun.disconnect(note)


@pytest.mark.django_db(transaction=True)
def test_without_redis_the_web_process_beats(directory: Directory, ended: list[str], settings: Any) -> None:
    daily = {name: {**entry, "schedule": timedelta(days=1)} for name, entry in settings.CELERY_BEAT_SCHEDULE.items()}
    settings.CELERY_BEAT_SCHEDULE = daily
    beat = Beat(first_after=timedelta(0))
    beat.start()
    try:
        wait_until(lambda: {entry["task"] for entry in daily.values()} <= set(ended))
    finally:
        beat.stop()
    assert len(living(User)) == 3


@pytest.mark.django_db(transaction=True)
def test_the_task_survives_a_scaikey_that_is_away(settings: Any, caplog: Any, ended: list[str]) -> None:
    settings.SCAIKEY_BASE_URL = "http://127.0.0.1:9"
    enqueue("tenants.sync")
    wait_until(lambda: "tenants.sync" in ended)
    assert "sync failed" in caplog.text


def wait_until(is_so: Any) -> None:
    """Fails when it hangs."""
    deadline, pause = time.monotonic() + 60, threading.Event()
    while not is_so():
        assert time.monotonic() < deadline
        pause.wait(0.02)
