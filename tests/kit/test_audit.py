"""The audit log: whole with what it tells of, chained, and closed to changes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction

from scaiflow.kit import audit
from scaiflow.kit.models import AppendOnly, AuditChain, AuditEntry
from tests.conftest import Caller, append_only
from tests.drawings import greeting

pytestmark = pytest.mark.django_db
ATTEMPTS = {
    "update": "UPDATE kit_auditentry SET actor_id = 'usr_eve'",
    "delete": "DELETE FROM kit_auditentry",
    "truncate": "TRUNCATE kit_auditentry",
}
TESTED = audit.register("tests.tested")


def note(tenant: str = "tnt_demo", **changes: object) -> AuditEntry:
    return audit.record(
        action=TESTED, tenant_id=tenant, actor_id="usr_ada", object_type="test", object_id="1", changes=changes
    )


def verify() -> str:
    said = StringIO()
    call_command("verify_audit", stdout=said, stderr=said)
    return said.getvalue()


def overwrite(statement: str) -> None:
    """Behind the model's back and the database's."""
    vendor = connection.vendor
    with connection.cursor() as cursor:
        cursor.execute(append_only.drop(vendor, "update"))
        try:
            cursor.execute(statement)
        finally:
            cursor.execute(append_only.create(vendor, "update"))


def test_every_tenant_has_a_chain_of_its_own() -> None:
    first, second, other = note(), note(), note("tnt_other")
    assert (first.sequence, second.sequence, other.sequence) == (1, 2, 1)
    assert (first.previous, second.previous, other.previous) == ("", first.digest, "")
    assert "whole: 3 entries" in verify()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kit_auditentry SET actor_id = 'usr_eve' WHERE sequence = 2",
        "UPDATE kit_auditentry SET changes = '{}' WHERE sequence = 2",
        "UPDATE kit_auditentry SET sequence = 9 WHERE sequence = 2",
        "DELETE FROM kit_auditentry WHERE sequence = 2",
        "DELETE FROM kit_auditentry WHERE sequence = 3",
        "DELETE FROM kit_auditentry",
        "DELETE FROM kit_auditchain",
    ],
)
def test_what_was_done_to_the_log_is_noticed(statement: str) -> None:
    for number in range(3):
        note(number=number)
    overwrite(statement)
    with pytest.raises(CommandError, match="tampered"):
        verify()


@pytest.mark.django_db(transaction=True)
def test_an_entry_written_anew_breaks_the_next_one() -> None:
    entry, after = note(level="edit"), note()
    entry.actor_id = "usr_eve"
    overwrite(f"UPDATE kit_auditentry SET actor_id='usr_eve', digest='{audit.digest_of(entry)}' WHERE sequence = 1")
    assert list(audit.problems("tnt_demo")) == [f"tnt_demo: entry 2 ({after.id}) does not follow the one before it"]


def test_a_log_written_anew_from_end_to_end_is_noticed_by_what_was_kept_elsewhere(tmp_path: Path) -> None:
    note(level="view")
    said = StringIO()
    call_command("verify_audit", "--heads", stdout=said)
    anchors = tmp_path / "anchors"
    anchors.write_text(said.getvalue())
    note()
    call_command("verify_audit", "--anchors", str(anchors), stdout=StringIO())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kit_auditentry")
        cursor.execute("DELETE FROM kit_auditchain")
    note(level="admin")
    assert "whole" in verify()
    with pytest.raises(CommandError, match="tampered"):
        call_command("verify_audit", "--anchors", str(anchors), stderr=StringIO())
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_audit", "--anchors", str(tmp_path / "none"))


def test_an_entry_is_never_changed_or_deleted_through_the_model() -> None:
    entry = note()
    for attempt in (entry.save, entry.delete, AuditEntry.objects.all().delete, AuditEntry.objects.update):
        with pytest.raises(AppendOnly):
            attempt()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("event", append_only.events(connection.vendor))
def test_the_database_refuses_too(event: str) -> None:
    note()
    vendor = connection.vendor
    with connection.cursor() as cursor:
        if event != "update":  # the tests' own setup has taken the others away
            cursor.execute(append_only.create(vendor, event))
        try:
            with pytest.raises(IntegrityError, match="append-only"):
                cursor.execute(ATTEMPTS[event])
        finally:
            if event != "update":
                cursor.execute(append_only.drop(vendor, event))
    assert AuditEntry.objects.count() == 1


def test_an_action_nobody_registered_is_a_bug_and_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="not registered"):
        audit.record(action="made.up", tenant_id="t", actor_id="a", object_type="o", object_id="i")
    with pytest.raises(ValueError, match="twice"):
        audit.register("tests.tested")


def test_secrets_and_endless_texts_stay_out() -> None:
    entry = note(api_key="sgk_0123456789", text=["a", "Bearer eyJabcdefgh.eyJabcdefgh.sig"], long="x" * 9000)
    assert entry.changes["api_key"] == "[hidden]"
    assert "eyJ" not in str(entry.changes)
    assert len(entry.changes["long"]) < 600


def test_a_secret_in_an_address_stays_out_too(vera: Caller) -> None:
    vera.delete("/api/v1/flows/sgk_0123456789abcdef")
    assert AuditEntry.objects.get(result="refused").object_id == "[hidden]"


def test_what_is_rolled_back_leaves_no_entry() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        note()
        raise RuntimeError
    assert not AuditEntry.objects.exists()


def test_a_change_stands_there_with_who_what_and_the_request(ada: Caller) -> None:
    made = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()
    ada.put(f"/api/v1/flows/{made['id']}", {"name": "Renamed"}, headers={"X-Request-ID": "request-0001"})
    entry = AuditEntry.objects.get(action="flow.changed")
    assert (entry.actor_id, entry.tenant_id, entry.object_id) == ("usr_ada", "tnt_demo", made["id"])
    assert (entry.result, entry.request_id) == ("done", "request-0001")
    assert entry.changes == {"name": ["Greeting", "Renamed"]}


def test_a_refusal_stands_in_the_log_of_the_one_who_was_refused(ada: Caller, olaf: Caller, vera: Caller) -> None:
    made = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()
    olaf.get(f"/api/v1/flows/{made['id']}")
    vera.post("/api/v1/flows", {"name": "Mine", "content": greeting()})
    olaf.get("/api/v1/flows/flow_that_never_was")
    told = (
        AuditEntry.objects.filter(result="refused").order_by("at").values_list("tenant_id", "object_type", "object_id")
    )
    assert list(told) == [("tnt_other", "flow", made["id"]), ("tnt_demo", "flows", "")]


@pytest.mark.django_db(transaction=True)
def test_entries_written_at_once_stand_in_one_row() -> None:
    gate = threading.Barrier(6)

    def write(_: int) -> None:
        gate.wait()
        try:
            note()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    assert AuditChain.objects.get().sequence == 6
    assert list(audit.problems("tnt_demo")) == []
