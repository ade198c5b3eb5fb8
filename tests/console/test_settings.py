"""The pages of settings: what admins see and change, and what nobody ever sees."""

from __future__ import annotations

import csv
import io
import subprocess
from typing import Any

import jsonschema_rs
import pytest
from django.utils import timezone
from django.utils.html import escape

from scaiflow.console.actions import BODIES, GROUPS, QUERIES, TITLES, calls, curl
from scaiflow.console.reference.document import document
from scaiflow.kit import audit, json
from tenants.models import Group, Membership, User
from tests.console.visitors import Visitor, remember
from webhooks.models import Delivery


def test_a_key_is_shown_masked_and_nowhere_else(tara_at: Visitor) -> None:
    tara_at.send("/settings", {"api_key": "sgk_secret-part-0123"})
    page = tara_at.read("/settings")
    assert "sgk_...0123" in page
    assert "secret-part" not in page
    tara_at.send("/settings/forget")
    assert "No key is set" in tara_at.read("/settings")


def test_a_key_that_is_refused_is_not_shown_again(tara_at: Visitor) -> None:
    answer = tara_at.send("/settings", {"api_key": "wrong-secret", "base_url": "https://elsewhere.example"})
    assert answer.status_code == 422
    assert "wrong-secret" not in answer.content.decode()
    assert "must be a ScaiGrid key" in answer.content.decode()


def test_who_may_not_change_the_key_is_offered_no_form(ada_at: Visitor) -> None:
    page = ada_at.read("/settings")
    assert 'name="api_key"' not in page
    assert "Audit log" not in page


def test_roles_are_given_and_taken_back(tara_at: Visitor) -> None:
    remember("usr_new")
    tara_at.send("/settings/people/usr_new/role", {"role": "tenant_admin"})
    assert User.objects.get(id="usr_new").admin_role == "tenant_admin"
    tara_at.send("/settings/people/usr_new/role", {"role": ""})
    assert User.objects.get(id="usr_new").admin_role is None
    assert "Make super admin" not in tara_at.read("/settings/people")


def test_the_last_super_admin_stays_and_the_page_says_so(sam_at: Visitor) -> None:
    answer = sam_at.send("/settings/people/usr_sam/role", {"role": ""})
    assert answer.status_code == 409
    assert "this is the last super_admin" in answer.content.decode()


def test_groups_are_shown_with_their_members(tara_at: Visitor) -> None:
    group = Group.objects.create(id="grp_1", tenant_id="tnt_demo", name="Support")
    Membership.objects.create(group=group, user=remember("usr_bo"), tenant_id="tnt_demo")
    Group.objects.create(id="grp_2", tenant_id="tnt_other", name="Foreign")
    page = tara_at.read("/settings/groups")
    assert "Support" in page
    assert "Bo</li>" in page
    assert "Foreign" not in page


def test_deliveries_are_filtered(sam_at: Visitor) -> None:
    for number, handled in enumerate((True, False)):
        Delivery.objects.create(
            event_id=f"evt_{number}", type="user.updated", tenant_id="tnt_demo", occurred_at=timezone.now(),
            handled=handled, outcome="applied" if handled else "stale",
        )  # fmt: skip
    assert "evt_0" in sam_at.read("/settings/webhooks", handled="true")
    assert "evt_1" not in sam_at.read("/settings/webhooks", handled="true")


@pytest.fixture
def entries(db: None) -> None:
    for number in range(60):
        action = "role.granted" if number == 0 else "flow.created"
        audit.record(
            action=action, tenant_id="tnt_demo", actor_id="usr_ada", object_type="flow",
            object_id="=HYPERLINK(1)" if number == 1 else f"flow_{number}", changes={"name": [None, "x"]},
        )  # fmt: skip


def test_the_audit_log_is_filtered_and_read_page_by_page(tara_at: Visitor, entries: None) -> None:
    assert "flow_5" not in tara_at.read("/settings/audit", action="role.granted")
    first = tara_at.read("/settings/audit", action="flow.created")
    assert "flow_59" in first
    older = first.rpartition('href="?')[2].partition('"')[0].replace("&amp;", "&")
    assert "flow_2<" in tara_at.read(f"/settings/audit?{older}")


def test_the_audit_log_is_exported_whole_and_harmless_to_spreadsheets(tara_at: Visitor, entries: None) -> None:
    answer = tara_at.get("/settings/audit.csv?action=flow.created")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(rows) == 59
    assert "'=HYPERLINK(1)" in {row["object_id"] for row in rows}
    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'


def test_a_filter_that_makes_no_sense_is_told(tara_at: Visitor) -> None:
    answer = tara_at.get("/settings/audit?since=yesterday")
    assert answer.status_code == 422


def test_every_call_that_somebody_can_make_stands_once_on_the_page_of_the_api(ada_at: Visitor) -> None:
    listed = [name for names in GROUPS.values() for name in names.split()]
    assert sorted(listed) == sorted(calls())
    assert set(BODIES) | set(QUERIES) | set(TITLES) <= set(listed)
    page = ada_at.read("/settings/api")
    assert all(escape(curl(call, base="http://testserver")) in page for call in calls().values())


@pytest.mark.parametrize("name", BODIES)
def test_what_is_offered_to_be_sent_is_taken_as_it_stands(name: str) -> None:
    """By the schema of the document, as a program would read it."""
    paths = json.loads(document())["paths"].values()
    told = next(told for methods in paths for told in methods.values() if told["operationId"] == name)
    wanted = told["requestBody"]["content"]["application/json"]["schema"] if "requestBody" in told else {}
    components = json.loads(document())["components"]
    for part in components["schemas"].values():  # what is read only is required of answers, not of bodies
        read_only = {field for field, how in part.get("properties", {}).items() if how.get("readOnly")}
        part["required"] = [field for field in part.get("required", []) if field not in read_only]
    schema = {**wanted, "components": components}
    jsonschema_rs.validator_for(schema).validate(json.loads(BODIES[name].encode()))


def test_the_curl_of_a_call_can_be_pasted_into_a_shell() -> None:
    """A shell and its echo stand for curl; what arrives is JSON with the variable in it."""
    told = curl(calls()["run_tests"], base="http://127.0.0.1:8001")
    said = subprocess.run(
        ["/bin/sh", "-c", told.replace("curl", "printf '%s\\n'", 1)], env={"CORE_ID": "core_1", "FLOW_ID": "flow_1"},
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert json.loads(said[said.index("-d") + 1].encode()) == {"core_id": "core_1"}
    assert said[-1] == "http://127.0.0.1:8001/api/v1/flows/flow_1/run-tests"


def test_an_export_that_is_cut_says_so_in_its_last_line(tara_at: Visitor, entries: None, monkeypatch: Any) -> None:
    monkeypatch.setattr("scaiflow.console.views.audit.MOST_EXPORTED", 20)
    lines = b"".join(tara_at.get("/settings/audit.csv").streaming_content).decode().splitlines()
    assert len(lines) == 22
    assert "only the newest 20 entries" in lines[-1]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("2026-11-25T10:30", "2026-11-25T10:30:00"), ("2026-11-25T10:30:00+05:30", "2026-11-25T05:00:00")],
)
def test_a_moment_that_was_asked_for_stands_in_the_form_in_utc(tara_at: Visitor, asked: str, shown: str) -> None:
    assert f'value="{shown}"' in tara_at.read("/settings/audit", since=asked)
