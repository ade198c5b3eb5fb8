"""The pages of settings: what admins see and change, and what nobody ever sees."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import Resolver404, resolve
from django.utils import timezone

from scaiflow.console.actions import CALLS, curl
from scaiflow.kit import audit
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


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_on_the_page_of_the_api_is_one(call: object) -> None:
    method, path = call.method, call.path  # type: ignore[attr-defined]
    road = "/api/v1" + path.partition("?")[0].replace("$", "")
    try:
        view = resolve(road).func.view_class
    except (Resolver404, AttributeError):
        pytest.fail(f"{road} is no route of the API")
    assert method in view.permissions


def test_the_curl_of_a_call_can_be_pasted_into_a_shell() -> None:
    told = curl(next(call for call in CALLS if call.title == "Run the tests"), base="http://127.0.0.1:8001")
    assert '-d "{\\"core_id\\": \\"$CORE\\"}"' in told
    assert told.endswith('"http://127.0.0.1:8001/api/v1/flows/$FLOW/run-tests"')
