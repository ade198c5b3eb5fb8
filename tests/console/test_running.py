"""Runs, checkpoints and the catalog, with a ScaiGrid that answers as the test tells it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from catalog.models import Package
from flows.models import Deployment, Flow, Job
from flows.operations.flows import create_flow
from tenants.models import Group
from tests.console.conftest import Visit
from tests.console.test_pages import ADA, PARTIAL, road
from tests.console.test_runs import END, STORY
from tests.console.visitors import Visitor
from tests.drawings import greeting
from tests.loopback import Service, Told

EVENTS, POINTS = "/v1/modules/scaicore/events", "/v1/modules/scaicore/checkpoints"
POINT = {
    "id": "chk_1", "core_id": "core_1", "status": "pending", "type": "hitl_review", "prompt": "Is this right?",
    "execution_id": "exec_1", "created_at": "2026-11-25T12:00:00Z", "options": ["yes", "no"], "input": {"message": "<b>"},
    "context": {}, "hitl_spec": {"sections": ["context", "input", {"type": "decision", "fields": ["note"]}]},
}  # fmt: skip


@pytest.fixture
def flow(ada_at: Visitor) -> Flow:
    flow = create_flow(by=ADA, name="Greeting", description="", content=greeting())
    Deployment.objects.create(
        flow=flow, core_id="core_1", flow_version="1.0.0", status="deployed", deployed_by="usr_ada"
    )
    return flow


def tell(scaigrid: Service, events: list[dict[str, Any]]) -> None:
    scaigrid.on("GET", EVENTS, Told(200, {"data": {"events": events, "next_cursor": None}}))


def points(scaigrid: Service, *found: dict[str, Any]) -> None:
    scaigrid.on("GET", POINTS, Told(200, {"data": {"checkpoints": list(found), "next_cursor": None}}))


def test_runs_stand_with_their_blocks_on_a_lit_drawing(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    greet = [
        one if "node_id" not in one["payload"] else {**one, "payload": one["payload"] | {"node_id": "greet"}}
        for one in STORY
    ]
    tell(scaigrid, greet)
    page = ada_at.read(road(flow, "/runs"))
    assert "exec_1" in page
    assert "mark-waiting" in page
    assert "Runs per hour" in page


def test_runs_are_filtered_and_come_as_a_part(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    tell(scaigrid, [*STORY, *END])
    assert (
        "No run of these events is in this state"
        in ada_at.get(road(flow, "/runs?state=failed"), headers=PARTIAL).content.decode()
    )
    part = ada_at.get(road(flow, "/runs?state=completed&first=failures"), headers=PARTIAL).content.decode()
    assert "10.00 s" in part
    assert "<html" not in part


def test_a_flow_that_was_never_deployed_has_no_runs_yet(ada_at: Visitor, flow: Flow) -> None:
    other = create_flow(by=ADA, name="New", description="", content=greeting())
    assert "Nothing runs yet" in ada_at.read(road(other, "/runs"))
    assert ada_at.get(road(other, "/runs?core=core_1")).status_code == 404


def test_an_upstream_that_is_away_is_told_with_its_name(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    scaigrid.on("GET", EVENTS, Told(500, {}))
    answer = ada_at.get(road(flow, "/runs/short"), headers=PARTIAL)
    assert answer.status_code == 502
    assert "scaicore_api" in answer.content.decode()


def test_a_call_of_ones_own_is_sent_and_its_run_opened(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    scaigrid.on(
        "POST",
        "/v1/modules/scaicore/cores/core_1/invoke",
        Told(200, {"data": {"output": {}, "execution_id": "exec_1"}}),
    )
    answer = ada_at.send(road(flow, "/runs"), {"core": "core_1", "input": '{"name": "Ada"}'})
    assert answer["Location"] == road(flow, "/runs?core=core_1&run=exec_1")
    assert scaigrid.calls("POST")[-1].json == {"input": {"name": "Ada"}}
    tell(scaigrid, [])
    refused = ada_at.send(road(flow, "/runs"), {"core": "core_1", "input": "{no"})
    assert refused.status_code == 422
    assert "{no" in refused.content.decode()


def test_a_call_that_takes_long_leads_on_by_itself_or_says_why_not(
    ada_at: Visitor, flow: Flow, scaigrid: Service
) -> None:
    """The page waits and says so; without JavaScript the same form goes the usual way (the test above)."""
    tell(scaigrid, [])
    page = ada_at.read(road(flow, "/runs"))
    assert f'hx-post="{road(flow, "/runs")}" hx-target="#refused"' in page
    assert "busy working" in page
    core = "/v1/modules/scaicore/cores/core_1/invoke"
    scaigrid.on("POST", core, Told(200, {"data": {"output": {}, "execution_id": "exec_1"}}), Told(500, {}))
    done = ada_at.send(road(flow, "/runs"), {"core": "core_1", "input": "{}"}, headers=PARTIAL)
    assert (done.status_code, done["HX-Redirect"]) == (200, road(flow, "/runs?core=core_1&run=exec_1"))
    refused = ada_at.send(road(flow, "/runs"), {"core": "core_1", "input": "{}"}, headers=PARTIAL)
    assert refused.status_code == 502
    assert "scaicore_api" in refused.content.decode()
    assert "<html" not in refused.content.decode()


def test_an_older_core_is_drawn_as_it_was_deployed(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    tell(scaigrid, [])
    newer = greeting() | {"tests": [{"name": "new", "input": {"name": "Newer"}, "expect": {}}]}
    newer["nodes"][1]["label"] = "Greet anew"
    ada_at.send(road(flow, "/edit"), {"name": "Greeting", "content": json.dumps(newer), "etag": flow.etag})
    Deployment.objects.create(flow=flow, core_id="core_2", flow_version="1.0.1", status="deployed")
    assert "Greet anew" in ada_at.read(road(flow, "/runs"))
    older = ada_at.read(road(flow, "/runs"), core="core_1")
    assert "Greet anew" not in older
    assert "&quot;Newer&quot;" not in older
    refused = ada_at.send(road(flow, "/runs"), {"core": "core_1", "input": "{no"}).content.decode()
    assert "Greet anew" not in refused
    assert "<option selected>core_1</option>" in refused


def test_the_stream_is_refused_where_it_would_hold_a_thread(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    tell(scaigrid, [])
    assert ada_at.get(road(flow, "/runs/stream?core=core_1")).status_code == 503


def test_what_waits_is_listed_only_for_flows_that_one_sees(
    visit: Visit, ada_at: Visitor, flow: Flow, scaigrid: Service
) -> None:
    points(scaigrid, POINT, POINT | {"id": "chk_2", "core_id": "core_of_others", "prompt": "Secret"})
    page = ada_at.read("/checkpoints")
    assert "Is this right?" in page
    assert "Secret" not in page
    assert "Is this right?" in ada_at.get("/checkpoints", headers=PARTIAL).content.decode()
    assert "Nothing waits for a person" in visit("usr_colleague").read("/checkpoints")
    assert visit("usr_colleague").get("/checkpoints/chk_1").status_code == 404


def test_a_review_is_a_form_of_its_spec_and_its_decision_is_sent(
    ada_at: Visitor, flow: Flow, scaigrid: Service
) -> None:
    points(scaigrid, POINT)
    page = ada_at.read("/checkpoints/chk_1")
    assert 'name="data.note"' in page
    assert 'value="yes"' in page
    assert "&lt;b&gt;" in page
    scaigrid.on("POST", f"{POINTS}/chk_1/resolve", Told(200, {"data": {"status": "resolved"}}))
    answer = ada_at.send("/checkpoints/chk_1", {"decision": "yes", "comment": "fine", "data.note": "n"})
    assert answer["Location"] == "/checkpoints"
    sent = scaigrid.calls("POST")[-1].json
    assert sent == {"decision": "yes", "comment": "fine", "data": {"note": "n"}}


@pytest.mark.parametrize(
    "context", [{"items": [1, 2], "total": 9}, {"items": {"pieces": "total"}, "keys": 1, "get": 2}]
)
def test_what_a_run_names_is_shown_whatever_it_is_called(
    ada_at: Visitor, flow: Flow, scaigrid: Service, context: dict[str, Any]
) -> None:
    """A foreach puts `items` into the run's output, and that is the checkpoint's context."""
    points(scaigrid, POINT | {"context": context})
    page = ada_at.read("/checkpoints/chk_1")
    assert [name for name in context if f"<dt>{name}</dt>" not in page] == []
    assert "<dt>pieces</dt>" not in page


def test_a_node_and_a_queue_may_be_called_as_they_like(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    tell(scaigrid, [{**one, "payload": one["payload"] | {"node_id": "items"}} for one in STORY])
    assert 'data-marks="items=waiting;"' in ada_at.read(road(flow, "/runs"))
    made: Any = {"core_id": "core_1", "flow_version": "1.0.0"}
    made["scaiqueue_provisioning"] = {"scope_slug": "s", "queue_ids": {"items": "q_1", "returns": "q_2"}}
    job = Job.objects.create(flow=flow, kind="deploy", state="succeeded", arguments={"version": "1.0.0"}, result=made)
    page = ada_at.read(f"/jobs/{job.id}")
    assert '<span class="tag">items</span> <span class="tag">returns</span>' in page


@pytest.mark.parametrize("told", ["2026-13-45T00:00:00Z", 1700000000, "soon", {"at": 1}])
def test_a_time_that_is_none_does_not_hide_the_list(
    ada_at: Visitor, flow: Flow, scaigrid: Service, told: object
) -> None:
    points(scaigrid, POINT | {"created_at": told, "expires_at": told})
    assert "Is this right?" in ada_at.read("/checkpoints")


FORM = [
    {"name": "line"}, {"name": "long", "type": "textarea"}, {"name": "sum", "type": "number", "default": 1},
    {"name": "way", "options": ["air", "sea"], "default": "sea"}, {"name": "sure", "type": "boolean"},
    {"name": "told", "type": "boolean", "default": True},
]  # fmt: skip


def test_a_refused_decision_keeps_everything_that_was_typed(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    points(scaigrid, POINT | {"hitl_spec": {"sections": [{"type": "decision", "fields": FORM}]}})
    fresh = ada_at.read("/checkpoints/chk_1")
    assert "<option selected>sea</option>" in fresh
    assert re.findall(r'name="data.(\w+)" value="yes"( checked)?', fresh) == [("sure", ""), ("told", " checked")]
    scaigrid.on("POST", f"{POINTS}/chk_1/resolve", Told(409, {"error": {"code": "X", "message": "too late"}}))
    typed = {"line": "My <line>", "long": "My words", "sum": "1o", "way": "air", "sure": "yes"}
    fields = {f"data.{name}": value for name, value in typed.items()}
    page = ada_at.send("/checkpoints/chk_1", {"decision": "yes", **fields}).content.decode()
    assert 'value="My &lt;line&gt;"' in page
    assert ">My words</textarea>" in page
    assert 'value="1o"' in page
    assert re.findall(r"<option selected>(.*?)</option>", page) == ["air"]
    assert re.findall(r'name="data.(\w+)" value="yes"( checked)?', page) == [("sure", " checked"), ("told", "")]


def test_a_checkpoint_is_opened_by_either_name_of_its_id(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    renamed = {name: value for name, value in POINT.items() if name != "id"}
    points(scaigrid, renamed | {"checkpoint_id": "chk_9"}, renamed | {"prompt": "Who am I?"})
    page = ada_at.read("/checkpoints")
    assert re.findall(r'href="(/checkpoints/[^"]*)"', page) == ["/checkpoints/chk_9"]
    assert "Who am I?" in page
    part = ada_at.get("/checkpoints", headers=PARTIAL).content.decode()
    assert re.findall(r'href="(/checkpoints/[^"]*)"', part) == ["/checkpoints/chk_9"]
    assert "Is this right?" in ada_at.read("/checkpoints/chk_9")
    scaigrid.on("POST", f"{POINTS}/chk_9/resolve", Told(200, {"data": {"status": "resolved"}}))
    assert ada_at.send("/checkpoints/chk_9", {"decision": "yes"})["Location"] == "/checkpoints"


def test_a_decision_that_came_too_late_is_told(ada_at: Visitor, flow: Flow, scaigrid: Service) -> None:
    points(scaigrid, POINT)
    error = {"error": {"code": "CHECKPOINT_NOT_PENDING", "message": "it is resolved already"}}
    scaigrid.on("POST", f"{POINTS}/chk_1/resolve", Told(409, error))
    answer = ada_at.send("/checkpoints/chk_1", {"decision": "yes", "comment": "kept words"})
    assert answer.status_code == 502
    assert "it is resolved already" in answer.content.decode()
    assert "kept words" in answer.content.decode()


def publish(visitor: Visitor, flow: Flow, **more: Any) -> Any:
    fields = {
        "flow": flow.id,
        "package_id": "greeting",
        "name": "Greeting",
        "version": "1.0.0",
        "visibility": "tenant",
        **more,
    }
    return visitor.send("/catalog/publish", fields)


def test_a_flow_is_published_read_and_installed_by_somebody_else(visit: Visit, ada_at: Visitor, flow: Flow) -> None:
    assert publish(ada_at, flow, readme="# Use it\n\n<script>x</script>")["Location"] == "/catalog/greeting"
    bo = visit("usr_bo")
    page = bo.read("/catalog/greeting")
    assert "<h3>Use it</h3>" in page
    assert "<script>x" not in page
    bo.send("/catalog/greeting/install", {"version": "1.0.0"})
    assert Flow.objects.get(owner_id="usr_bo").name == "Greeting"
    assert bo.get("/catalog/greeting/download").content.startswith(b"PK")


def test_a_package_is_shown_to_groups_taken_away_and_brought_back(visit: Visit, ada_at: Visitor, flow: Flow) -> None:
    Group.objects.create(id="grp_1", tenant_id="tnt_demo", name="Support")
    publish(ada_at, flow)
    bo = visit("usr_bo")
    ada_at.send("/catalog/greeting/visibility", {"visibility": "groups", "group_ids": ["grp_1"]})
    assert bo.get("/catalog/greeting").status_code == 404
    ada_at.send("/catalog/greeting/delete")
    assert "The catalog is empty" in bo.read("/catalog")
    assert "Bring back" in ada_at.read("/catalog", show="deleted")
    ada_at.send("/catalog/greeting/restore")
    assert Package.objects.get().deleted_at is None


def test_a_package_that_cannot_be_published_comes_back_as_it_was_typed(ada_at: Visitor, flow: Flow) -> None:
    answer = publish(ada_at, flow, package_id="Not A Slug", readme="my words")
    assert answer.status_code == 422
    assert "single dashes" in answer.content.decode()
    assert "my words" in answer.content.decode()


def test_the_upstreams_lists_come_one_by_one(ada_at: Visitor, scaigrid: Service) -> None:
    models = [{"id": "openai/gpt-4o", "slug": "openai/gpt-4o"}, {"id": "m", "slug": "m", "max_output_tokens": 8192}]
    scaigrid.on("GET", "/v1/models", Told(200, {"data": models}))
    page = ada_at.read("/settings/resources")
    assert 'hx-get="/settings/resources?list=models"' in page
    part = ada_at.get("/settings/resources?list=models", headers=PARTIAL).content.decode()
    assert part.count("<th ") * 2 == part.count("<td ")  # a row that has less than others has as many cells
    assert "8192" in part
    assert "<h1>Settings</h1>" in ada_at.read("/settings/resources", list="models")  # without JavaScript it is a page
    assert ada_at.get("/settings/resources?list=none").status_code == 404
