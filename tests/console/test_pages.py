"""What the pages of flows show, take and refuse."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from flows.models import Flow, FlowACL, FlowVersion, Job
from flows.operations.flows import create_flow, delete_flow
from flows.operations.jobs import wait_for
from flows.operations.versions import content_of
from scaiflow.console.examples import examples
from scaiflow.kit.models import AuditEntry
from tenants.models import Group, User
from tenants.principals import Principal
from tests.console.conftest import Visit
from tests.console.visitors import Visitor
from tests.drawings import greeting, node

ADA = Principal(sub="usr_ada", tenant_id="tnt_demo", permissions=frozenset({"scaicore:manage"}))
PARTIAL = {"HX-Request": "true"}


@pytest.fixture
def flow(ada_at: Visitor) -> Flow:
    return create_flow(by=ADA, name="Greeting", description="Says hello", content=greeting(), tags=["hello"])


def road(flow: Flow, end: str = "") -> str:
    return f"/flows/{flow.id}{end}"


def test_flows_are_found_by_words_tags_and_owner(ada_at: Visitor, flow: Flow) -> None:
    create_flow(by=ADA, name="Farewell", description="", content=greeting())
    for query, wanted in (
        ({"q": "hello"}, True),
        ({"tag": "Hello"}, True),
        ({"show": "mine"}, True),
        ({"q": "x"}, False),
    ):
        assert ("Greeting</a>" in ada_at.read("/flows", **query)) is wanted, query
    assert "Farewell" not in ada_at.read("/flows", tag="hello")
    assert "No flow matches" in ada_at.read("/flows", q="nothing like it")


def test_a_part_of_the_list_comes_without_the_page_around_it(ada_at: Visitor, flow: Flow) -> None:
    part = ada_at.get("/flows", headers=PARTIAL).content.decode()
    assert "Greeting" in part
    assert "<html" not in part


def test_the_list_goes_on_where_it_ended(ada_at: Visitor, flow: Flow) -> None:
    rows = [
        Flow(id=f"flow_{n}", tenant_id="tnt_demo", owner_id="usr_ada", name=f"F{n}", version="1.0.0") for n in range(60)
    ]
    Flow.objects.bulk_create(rows)
    page = ada_at.read("/flows")
    assert "Show more of 61" in page
    cursor = page.partition("cursor=")[2].partition('"')[0]
    rest = ada_at.get(f"/flows?cursor={cursor}", headers=PARTIAL).content.decode()
    assert rest.count('class="name"') == 11


def test_an_empty_console_says_what_to_do_next(ada_at: Visitor, vera_at: Visitor) -> None:
    assert "Begin with an example" in ada_at.read("/flows")
    assert "Ask a colleague to give you access" in vera_at.read("/flows")
    assert "Begin with one of the examples" in ada_at.read("/")


def test_a_deleted_flow_is_brought_back_from_its_own_list(ada_at: Visitor, flow: Flow) -> None:
    ada_at.send(road(flow, "/delete"))
    assert "Greeting</a>" not in ada_at.read("/flows")
    assert "Bring back" in ada_at.read("/flows", show="deleted")
    ada_at.send(road(flow, "/restore"))
    assert "Greeting is back" in ada_at.read(road(flow))


def test_who_may_not_bring_a_flow_back_or_stop_a_job_is_not_offered_it(
    ada_at: Visitor, visit: Visit, flow: Flow
) -> None:
    guest = visit("usr_guest")
    ada_at.send(road(flow, "/access"), {"who": "user:usr_guest", "level": "edit"})
    job = Job.objects.create(flow=flow, kind="deploy", state="queued", arguments={"version": "1.0.0"})
    assert f"/jobs/{job.id}/stop" in ada_at.read(f"/jobs/{job.id}")
    assert f"/jobs/{job.id}/stop" not in guest.read(f"/jobs/{job.id}")
    delete_flow(flow=flow, by=ADA)
    page = guest.read("/flows", show="deleted")
    assert "Greeting" in page
    assert "Bring back" not in page


@pytest.mark.parametrize("slug", examples())
def test_every_example_is_a_beginning(ada_at: Visitor, slug: str) -> None:
    assert ada_at.send("/flows/new", {"example": slug}).status_code == 302
    made = Flow.objects.get()
    assert made.name == examples()[slug]["name"]
    assert ada_at.get(road(made)).status_code == 200


def test_a_flow_begins_from_nothing_and_compiles(ada_at: Visitor) -> None:
    ada_at.send("/flows/new", {"name": "Mine"})
    page = ada_at.read(road(Flow.objects.get()))
    assert 'badge good">valid' in page


def test_a_flow_begins_from_a_document_a_manifest_and_a_package(ada_at: Visitor, flow: Flow) -> None:
    manifest = ada_at.read(road(flow, "/compiled"))
    assert "llm_turn" in manifest or "rigid" in manifest
    package = ada_at.get(road(flow, "/export")).content
    upload = SimpleUploadedFile("greeting.scaipkg", package)
    for fields in ({"content": json.dumps(greeting())}, {"package": upload}):
        assert ada_at.send("/flows/new", {"name": "", **fields}).status_code == 302
    assert Flow.objects.filter(name="Greeting").count() == 3


def test_a_form_that_is_refused_comes_back_with_what_was_typed_and_why(ada_at: Visitor) -> None:
    answer = ada_at.send("/flows/new", {"name": "Typed name", "content": "{not json"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "this is not JSON" in page
    assert "Typed name" in page
    assert "{not json" in page


def test_a_save_makes_a_version_only_when_the_document_changed(ada_at: Visitor, flow: Flow) -> None:
    same = json.dumps(content_of(flow=flow))
    ada_at.send(road(flow, "/edit"), {"name": "Renamed", "tags": "one, Two", "content": same, "etag": '"1"'})
    flow.refresh_from_db()
    assert (flow.name, flow.version, flow.tags) == ("Renamed", "1.0.0", ["one", "two"])
    changed = json.dumps(greeting("Good day {{name}}"))
    ada_at.send(road(flow, "/edit"), {"name": "Renamed", "content": changed, "etag": flow.etag})
    flow.refresh_from_db()
    assert flow.version == "1.0.1"


def test_a_stale_save_is_refused_and_nothing_typed_is_lost(ada_at: Visitor, flow: Flow) -> None:
    fields = {"name": "Mine", "content": json.dumps(greeting("My own words")), "etag": '"0"'}
    answer = ada_at.send(road(flow, "/edit"), fields)
    page = answer.content.decode()
    assert answer.status_code == 412
    assert "My own words" in page
    assert "What you typed is still below" in page
    assert FlowVersion.objects.count() == 1


def test_a_document_is_checked_without_being_saved(ada_at: Visitor, flow: Flow) -> None:
    broken = {**greeting(), "nodes": [node("greet", "llm_rigid")]}
    part = ada_at.send("/flows/check", {"content": json.dumps(broken)}, headers=PARTIAL).content.decode()
    assert "has errors" in part
    assert "mark-error" in part
    assert FlowVersion.objects.count() == 1


def test_a_click_on_a_node_shows_what_is_set_in_it(ada_at: Visitor, flow: Flow) -> None:
    part = ada_at.get(road(flow, "?node=greet"), headers=PARTIAL).content.decode()
    assert "Hello {{name}}" in part
    assert "<html" not in part
    assert ada_at.get(road(flow, "?node=none")).status_code == 404


@pytest.mark.parametrize("slug", examples())
def test_every_node_of_every_example_can_be_looked_at(ada_at: Visitor, slug: str) -> None:
    flow = create_flow(by=ADA, name=slug, description="", content=examples()[slug])
    for one in examples()[slug]["nodes"]:
        part = ada_at.get(road(flow, f"?node={one['id']}"), headers=PARTIAL)
        assert part.status_code == 200, one["id"]
        shown = re.findall(r"<dt>(.*?)</dt>", part.content.decode())
        assert shown == list(one["config"]), one["id"]


def test_nothing_that_people_type_becomes_markup(ada_at: Visitor) -> None:
    hostile = "<script>alert(1)</script>"
    content = greeting(hostile) | {"tests": [{"name": hostile, "input": {hostile: hostile}, "expect": {}}]}
    content["nodes"][1]["label"] = hostile
    flow = create_flow(by=ADA, name=hostile, description=hostile, content=content, tags=[])
    for end in ("", "?node=greet", "/edit", "/versions", "/compiled", "/tests", "/access", "/deploy"):
        assert hostile not in ada_at.read(road(flow, end)), end
    assert hostile not in ada_at.read("/flows")
    assert hostile not in ada_at.read("/")


def test_two_versions_are_compared_and_an_old_one_restored(ada_at: Visitor, flow: Flow) -> None:
    ada_at.send(
        road(flow, "/edit"), {"name": "Greeting", "content": json.dumps(greeting("Good day")), "etag": flow.etag}
    )
    page = ada_at.read(road(flow, "/diff"), **{"from": "1.0.0"})
    assert "mark-changed" in page
    assert "<del>Hello {{name}}</del>" in page
    assert "<ins>Good day</ins>" in page
    ada_at.send(road(flow, "/versions/1.0.0/restore"))
    flow.refresh_from_db()
    assert (flow.version, content_of(flow=flow)["nodes"]) == ("1.0.2", greeting()["nodes"])


def test_a_version_gets_a_label(ada_at: Visitor, flow: Flow) -> None:
    ada_at.send(road(flow, "/versions/1.0.0/label"), {"label": "Gold"})
    assert '<span class="tag">Gold</span>' in ada_at.read(road(flow, "/versions"))


@pytest.mark.parametrize(("form", "word"), [("yaml", "mode: stateless"), ("scai", "@core"), ("ir", "<dt>rigid</dt>")])
def test_every_compiled_form_can_be_read(ada_at: Visitor, flow: Flow, form: str, word: str) -> None:
    assert word in ada_at.read(road(flow, "/compiled"), format=form)


def test_what_does_not_compile_says_why_on_every_page(ada_at: Visitor) -> None:
    broken = create_flow(by=ADA, name="Broken", description="", content={"name": "B", "nodes": [], "edges": []})
    for end in ("", "/compiled", "/compiled?format=ir", "/deploy/preview"):
        assert "flow has no entry-point node" in ada_at.read(road(broken, end)), end


def test_access_is_given_changed_and_taken_back(ada_at: Visitor, vera_at: Visitor, flow: Flow) -> None:
    Group.objects.create(id="grp_1", tenant_id="tnt_demo", name="Support")
    assert vera_at.get(road(flow)).status_code == 404
    ada_at.send(road(flow, "/access"), {"who": "user:usr_vera", "level": "view"})
    assert vera_at.get(road(flow)).status_code == 200
    entry = FlowACL.objects.get()
    ada_at.send(road(flow, f"/access/{entry.id}"), {"level": "edit"})
    assert FlowACL.objects.get().level == 2
    page = ada_at.read(road(flow, "/access"))
    assert "Vera" in page
    assert 'value="group:grp_1"' in page
    ada_at.send(road(flow, f"/access/{entry.id}"), {"level": ""})
    assert vera_at.get(road(flow)).status_code == 404


def test_access_that_cannot_be_given_says_why(ada_at: Visitor, flow: Flow) -> None:
    answer = ada_at.send(road(flow, "/access"), {"who": "user:usr_nobody", "level": "boss"})
    assert answer.status_code == 400
    assert "level must be one of" in answer.content.decode()


def test_a_super_admin_changes_the_owner(sam_at: Visitor, ada_at: Visitor, flow: Flow) -> None:
    User.objects.create(id="usr_new", tenant_id="tnt_demo")
    assert sam_at.send(road(flow, "/owner"), {"owner_id": "usr_new"}).status_code == 302
    assert ada_at.get(road(flow)).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_clicks_are_one_deploy_and_its_failure_says_what_to_do(ada_at: Visitor, settings: Any) -> None:
    settings.DEPLOY_AUTH = "api_key"  # and there is none
    flow = create_flow(by=ADA, name="Greeting", description="", content=greeting())
    roads = {ada_at.send(road(flow, "/deploy"), {"publish": "yes", "key": "once"})["Location"] for _ in range(2)}
    job = wait_for(job=Job.objects.get(), seconds=60)
    assert roads == {f"/jobs/{job.id}"}
    page = ada_at.read(f"/jobs/{job.id}")
    assert "no ScaiGrid credentials for tenant" in page
    assert "scaigrid_credentials" in page
    assert "Deploy failed" in ada_at.read("/")


def test_a_job_that_runs_is_asked_for_again_and_one_that_is_over_is_not(ada_at: Visitor, flow: Flow) -> None:
    steps = [{"step": "read", "state": "done", "at": "2026-11-25T12:00:00+00:00"}]
    job = Job.objects.create(flow=flow, kind="deploy", state="queued", progress=steps, arguments={"version": "1.0.0"})
    assert "every 700ms" in ada_at.read(f"/jobs/{job.id}")
    Job.objects.update(state="succeeded", result={"core_id": "core_7", "published_slug": None, "flow_version": "1.0.0"})
    part = ada_at.get(f"/jobs/{job.id}", headers=PARTIAL).content.decode()
    assert "every 700ms" not in part
    assert "core_7" in part


def test_who_looks_at_a_flow_is_seen_by_the_others(tara_at: Visitor, ada_at: Visitor, flow: Flow) -> None:
    assert "Nobody else is looking" in ada_at.send(road(flow, "/here"), headers=PARTIAL).content.decode()
    assert "Ada</li>" in tara_at.send(road(flow, "/here"), headers=PARTIAL).content.decode()
    assert "Ada</li>" in tara_at.read(road(flow, "/here"))


def test_a_refusal_in_the_console_is_in_the_audit_log(vera_at: Visitor, flow: Flow) -> None:
    vera_at.get(road(flow))
    entry = AuditEntry.objects.get(result="refused")
    assert (entry.actor_id, entry.object_id) == ("usr_vera", flow.id)


def test_every_page_tells_a_stranger_to_a_flow_the_same_as_if_it_were_not_there(visit: Visit, flow: Flow) -> None:
    olaf = visit("usr_olaf", tenant="tnt_other")
    delete_flow(flow=create_flow(by=ADA, name="Gone", description="", content=greeting()), by=ADA)
    unseen, missing = (olaf.get(path).content.decode() for path in (road(flow), "/flows/flow_none"))
    assert "flow not found" in unseen
    assert _without_tokens(unseen) == _without_tokens(missing)


def _without_tokens(page: str) -> list[str]:
    return [line for line in page.splitlines() if "csrf" not in line]
