"""The workbench: documents, manifests and packages tried out, with nothing saved; and what else the API has for people."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.models import Package
from flows.models import Deployment, Flow, Job, TestRun
from flows.operations.flows import create_flow
from flows.operations.jobs import wait_for
from scaiflow.kit.models import AuditEntry
from tenants.models import User
from tests.console.conftest import Visit
from tests.console.test_pages import ADA, PARTIAL, road
from tests.console.visitors import Visitor, remember
from tests.drawings import greeting, node
from tests.loopback import Told
from tests.scaikey import ScaiKey
from tests.tenants.directory import Directory, person

UNKNOWN = """
core:
  name: odd
  flows: [{name: odd, trigger: {type: api, path: /}, steps: [{teleport: {to: moon}}]}]
"""


@pytest.fixture
def flow(ada_at: Visitor) -> Flow:
    return create_flow(by=ADA, name="Greeting", description="Says hello", content=greeting())


@pytest.mark.parametrize(("form", "word"), [("yaml", "mode: stateless"), ("scai", "@core"), ("ir", "<dt>rigid</dt>")])
def test_a_document_is_checked_and_compiled_without_being_saved(vera_at: Visitor, form: str, word: str) -> None:
    page = vera_at.send("/flows/try", {"content": json.dumps(greeting()), "format": form}).content.decode()
    assert 'badge good">valid' in page
    assert word in page
    assert "Save it as a flow" not in page  # she may not
    assert not Flow.objects.exists()


def test_what_does_not_compile_says_so_and_is_drawn_all_the_same(ada_at: Visitor) -> None:
    broken = {**greeting(), "nodes": [node("greet", "llm_rigid")]}
    page = ada_at.send("/flows/try", {"content": json.dumps(broken), "format": "yaml"}).content.decode()
    assert "It does not compile" in page
    assert "mark-error" in page


def test_a_manifest_becomes_a_drawing_and_only_then_a_flow(ada_at: Visitor, flow: Flow) -> None:
    manifest = ada_at.send("/flows/try", {"content": json.dumps(greeting()), "format": "yaml"}).context["made"]["body"]
    page = ada_at.send("/flows/try", {"manifest": manifest})
    assert 'data-node="greet"' in page.content.decode()
    assert Flow.objects.count() == 1
    assert ada_at.send("/flows/new", {"content": json.dumps(page.context["content"])}).status_code == 302
    assert Flow.objects.count() == 2


def test_steps_that_no_node_stands_for_are_told(ada_at: Visitor) -> None:
    page = ada_at.send("/flows/try", {"manifest": UNKNOWN}).content.decode()
    assert "1 step of the manifest could not be drawn" in page
    assert "teleport" in page


def test_a_package_is_looked_into(ada_at: Visitor, flow: Flow) -> None:
    upload = SimpleUploadedFile("greeting.scaipkg", ada_at.get(road(flow, "/export")).content)
    assert 'data-node="greet"' in ada_at.send("/flows/try", {"package": upload}).content.decode()


@pytest.mark.parametrize(
    ("fields", "why"),
    [({}, "paste a document"), ({"content": "{no"}, "this is not JSON"), ({"manifest": "- 1"}, "manifest")],
)
def test_what_cannot_be_tried_says_why_and_stays_in_the_form(ada_at: Visitor, fields: dict[str, str], why: str) -> None:
    answer = ada_at.send("/flows/try", fields)
    assert answer.status_code == 422
    assert all(text in answer.content.decode() for text in (why, *fields.values()))


def test_who_may_only_look_can_read_the_document(ada_at: Visitor, visit: Visit, flow: Flow) -> None:
    remember("usr_vera")
    ada_at.send(road(flow, "/access"), {"who": "user:usr_vera", "level": "view"})
    page = visit("usr_vera", scope="scaicore:view").read(road(flow, "/compiled"), format="document")
    assert "&quot;template&quot;: &quot;Hello {{name}}&quot;" in page


def test_a_flow_begins_with_tags(ada_at: Visitor) -> None:
    ada_at.send("/flows/new", {"name": "Mine", "tags": "Two,  one"})
    assert Flow.objects.get().tags == ["one", "two"]


def test_flows_are_found_by_several_tags_as_the_field_shows_them(ada_at: Visitor) -> None:
    for name, tags in (("Both", ["one", "two"]), ("Single", ["one"])):
        create_flow(by=ADA, name=name, description="", content=greeting(), tags=tags)
    page = ada_at.read("/flows", tag="one, two")
    assert 'name="tag" value="one, two"' in page
    assert "Both</a>" in page
    assert "Single</a>" not in page
    assert "Single</a>" in ada_at.read("/flows", tag=" One ,")


def test_flows_are_found_by_their_owner(tara_at: Visitor, flow: Flow) -> None:
    assert "?owner=usr_ada" in tara_at.read("/flows")
    assert "Greeting</a>" in tara_at.read("/flows", owner="usr_ada")
    assert "Greeting</a>" not in tara_at.read("/flows", owner="usr_tara")


def test_a_test_run_can_be_read_when_its_job_is_gone(ada_at: Visitor, flow: Flow) -> None:
    results = [{"name": "greets", "ok": False, "expect": {"text": "Hello"}, "output": {"text": "Bye"}, "error": None}]
    run = TestRun.objects.create(
        flow=flow, job_id="job_gone", core_id="core_1", flow_version="1.0.0", tests_version="1.0.0", passed=0, failed=1,
        results=results, run_by="usr_ada",
    )  # fmt: skip
    page = ada_at.read(road(flow, f"/tests/{run.id}"))
    assert all(word in page for word in ("0 passed, 1 failed", "greets", "Hello", "Bye"))
    assert b"<testsuite" in ada_at.get(road(flow, f"/tests/{run.id}.xml")).content


@pytest.mark.django_db(transaction=True)
def test_a_rollback_is_the_same_deploy_that_the_api_makes_of_it(ada_at: Visitor, settings: object) -> None:
    settings.DEPLOY_AUTH = "api_key"  # type: ignore[attr-defined]  # and there is none
    flow = create_flow(by=ADA, name="Greeting", description="", content=greeting())
    made = Deployment.objects.create(
        flow=flow, core_id="core_1", flow_version="1.0.0", published_slug="scaicore/x", status="deployed"
    )
    ada_at.send(road(flow, f"/deployments/{made.id}/again"))
    job = wait_for(job=Job.objects.get(), seconds=60)
    assert job.arguments == {"publish_as_model": True, "group_ids": None, "version": "1.0.0"}
    assert "Deploy of 1.0.0" in ada_at.read(road(flow, "/jobs"))


def test_a_document_that_is_no_flow_is_published(ada_at: Visitor) -> None:
    assert "Publish a document instead" in ada_at.read("/catalog/publish")
    assert 'name="content"' in ada_at.read("/catalog/publish", document="yes")
    fields = {"content": json.dumps(greeting()), "package_id": "greeting", "name": "Greeting", "version": "1.0.0"}
    assert ada_at.send("/catalog/publish", fields)["Location"] == "/catalog/greeting"
    assert not Flow.objects.exists()
    refused = ada_at.send("/catalog/publish", {**fields, "package_id": "No Slug"})
    assert refused.status_code == 422
    assert "single dashes" in refused.content.decode()
    assert "&quot;nodes&quot;" in refused.content.decode()


def test_an_older_version_of_a_package_is_looked_at(ada_at: Visitor) -> None:
    for version, words in (("1.0.0", "Hello"), ("1.1.0", "Good day")):
        content = greeting() | {"name": words}
        content["nodes"][1]["label"] = words
        fields = {"content": json.dumps(content), "package_id": "greeting", "name": "Greeting", "version": version}
        ada_at.send("/catalog/publish", fields)
    assert "Good day, " in ada_at.read("/catalog/greeting")
    older = ada_at.read("/catalog/greeting", version="1.0.0")
    assert "Hello, " in older
    assert "You see version 1.0.0" in older
    assert ada_at.get("/catalog/greeting?version=9.9.9").status_code == 404


def test_a_super_admin_looks_after_packages_of_another_tenant(ada_at: Visitor, visit: Visit, sam_at: Visitor) -> None:
    fields = {"content": json.dumps(greeting()), "package_id": "greeting", "name": "Greeting", "version": "1.0.0"}
    for author in (ada_at, visit("usr_olaf", tenant="tnt_other")):
        author.send("/catalog/publish", fields)
    page = sam_at.read("/catalog/greeting", tenant_id="tnt_demo")
    assert "/catalog/greeting/delete?tenant_id=tnt_demo" in page
    assert sam_at.get("/catalog/greeting").status_code == 409  # two tenants have one
    sam_at.send("/catalog/greeting/delete?tenant_id=tnt_demo")
    assert [one.tenant_id for one in Package.objects.living()] == ["tnt_other"]
    assert "/catalog/greeting/restore?tenant_id=tnt_demo" in sam_at.read("/catalog", show="deleted")
    answer = sam_at.send("/catalog/greeting/restore?tenant_id=tnt_demo")
    assert answer["Location"] == "/catalog/greeting?tenant_id=tnt_demo"


def test_a_super_admin_looks_at_the_people_of_one_tenant_and_of_all(sam_at: Visitor, tara_at: Visitor) -> None:
    User.objects.create(id="usr_far", tenant_id="tnt_other", display_name="Far Away")
    assert "Far Away" not in sam_at.read("/settings/people")
    assert "Far Away" in sam_at.read("/settings/people", tenant_id="tnt_other")
    assert all(name in sam_at.read("/settings/people", all="yes") for name in ("Far Away", "Tara"))
    assert "tenant_id=tnt_other" not in tara_at.read("/settings/people")


def test_the_audit_log_is_read_by_tenant(sam_at: Visitor, tara_at: Visitor) -> None:
    remember("usr_new")
    tara_at.send("/settings/people/usr_new/role", {"role": "tenant_admin"})
    assert "usr_new" in sam_at.read("/settings/audit", tenant_id="tnt_demo", action="role.granted")
    assert "usr_new" not in sam_at.read("/settings/audit", tenant_id="tnt_platform", action="role.granted")


def test_a_sync_puts_its_result_or_its_failure_beside_the_form(sam_at: Visitor, scaikey: ScaiKey) -> None:
    directory = Directory(scaikey)
    directory.people["tnt_demo"] = [person("usr_ada")]
    directory.serve()
    done = sam_at.send("/settings/sync", headers=PARTIAL).content.decode()
    assert '<h2 id="report">Result</h2>' in done
    assert "<main" not in done
    scaikey.on("GET", "/api/v1/admin/tenants", Told(500, {}))
    failed = sam_at.send("/settings/sync", headers=PARTIAL)
    assert failed.status_code == 502
    assert 'role="alert"' in failed.content.decode()
    assert "<main" not in failed.content.decode()
    assert 'hx-target="#synced"' in sam_at.read("/settings/sync")
    assert 'id="synced"' in sam_at.read("/settings/sync")


def test_a_sync_asked_for_here_is_written_down_as_its_askers(sam_at: Visitor, scaikey: ScaiKey) -> None:
    directory = Directory(scaikey)
    directory.people["tnt_demo"] = [person("usr_ada")]
    directory.serve()
    assert sam_at.send("/settings/sync").status_code == 200
    assert {entry.actor_id for entry in AuditEntry.objects.filter(action="mirror.synced")} == {"usr_sam"}
