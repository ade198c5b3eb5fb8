"""The ScaiCore proxy: a Core is reached only through a flow that the caller may see."""

from __future__ import annotations

from typing import Any

import pytest

from flows.models import Deployment, Flow, FlowACL
from scaiflow.kit.models import AuditEntry
from scaiflow.upstream.breaker import breaker_for
from tests.conftest import Caller, SignIn
from tests.drawings import greeting
from tests.loopback import Service, Told

pytestmark = pytest.mark.django_db
ROOT, API = "/v1/modules/scaicore", "/api/v1/scaicore"
EVENT = {"type": "scaicore.runtime.block.entered", "core_id": "core_1", "timestamp": "2026-11-25T10:00:00Z",
         "payload": {"node_id": "greet", "deep": {"untouched": [1, None, True]}}}  # fmt: skip
CHECKPOINT = {"id": "chk_1", "core_id": "core_1", "status": "pending", "options": ["approve", "reject"]}
INVOKE, RESOLVE = f"{API}/cores/core_1/invoke", f"{API}/checkpoints/chk_1/resolve"
ROADS = {
    "events": ("GET", f"{API}/events?core_id=core_1", "GET", f"{ROOT}/events", "scaicore:view"),
    "checkpoints": ("GET", f"{API}/checkpoints?core_id=core_1", "GET", f"{ROOT}/checkpoints", "scaicore:view"),
    "resolve": ("POST", RESOLVE, "POST", f"{ROOT}/checkpoints/chk_1/resolve", "scaicore:manage"),
    "invoke": ("POST", INVOKE, "POST", f"{ROOT}/cores/core_1/invoke", "scaicore:manage"),
}


@pytest.fixture(autouse=True)
def fresh_breakers() -> None:
    breaker_for.cache_clear()


@pytest.fixture
def grid(scaigrid: Service) -> Service:
    """A ScaiGrid with the Core core_1, an event of it and a pending checkpoint."""
    scaigrid.on("GET", f"{ROOT}/events", Told(200, {"status": "ok", "data": {"events": [EVENT], "next_cursor": "c2"}}))
    listed = {"status": "ok", "data": {"checkpoints": [CHECKPOINT], "next_cursor": None}}
    scaigrid.on("GET", f"{ROOT}/checkpoints", Told(200, listed))
    scaigrid.on("POST", f"{ROOT}/checkpoints/chk_1/resolve", Told(200, {"data": {"status": "resolved"}}))
    answer = {"status": "ok", "data": {"output": {"text": "hi"}, "execution_id": "exec_1"}}
    scaigrid.on("POST", f"{ROOT}/cores/core_1/invoke", Told(200, answer))
    return scaigrid


def deployed(caller: Caller, core_id: str = "core_1") -> str:
    flow_id: str = caller.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()["id"]
    Deployment.objects.create(flow_id=flow_id, core_id=core_id, flow_version="1.0.0", status="deployed")
    return flow_id


def ask(caller: Caller, road: str, body: dict[str, Any] | None = None) -> Any:
    method, path, *_ = ROADS[road]
    return caller.get(path) if method == "GET" else caller.post(path, body or {})


class TestAnswers:
    def test_events_come_untouched(self, ada: Caller, grid: Service) -> None:
        deployed(ada)
        told = ada.get(f"{API}/events?core_id=core_1&limit=7&cursor=c1")
        assert told.json() == {"data": {"events": [EVENT], "next_cursor": "c2"}}
        assert grid.asked[-1].query == "core_id=core_1&limit=7&cursor=c1"
        assert grid.asked[-1].headers["Authorization"] == f"Bearer {ada.token}"

    @pytest.mark.parametrize("body", [{"events": [EVENT]}, {"data": [EVENT]}, {"data": {"items": [EVENT]}}, [EVENT]])
    def test_events_come_in_one_envelope_whatever_they_came_in(self, ada: Caller, grid: Service, body: Any) -> None:
        deployed(ada)
        grid.on("GET", f"{ROOT}/events", Told(200, body))
        assert ask(ada, "events").json() == {"data": {"events": [EVENT], "next_cursor": None}}
        assert grid.asked[-1].query == "core_id=core_1&limit=50"

    def test_checkpoints_are_the_pending_ones_unless_others_are_asked_for(self, ada: Caller, grid: Service) -> None:
        deployed(ada)
        assert ask(ada, "checkpoints").json() == {"data": {"checkpoints": [CHECKPOINT], "next_cursor": None}}
        ada.get(f"{API}/checkpoints?core_id=core_1&status=resolved&limit=9&cursor=x")
        assert [asked.query for asked in grid.asked] == [
            "core_id=core_1&status=pending&limit=50", "core_id=core_1&status=resolved&limit=9&cursor=x",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("answer", "data"),
        [
            ({"data": {"output": {"n": 1}, "execution_id": "exec_1"}}, {"output": {"n": 1}, "execution_id": "exec_1"}),
            ({"output": {"n": 1}}, {"output": {"n": 1}}),
            ({"n": 1}, {"output": {"n": 1}}),
            ({"data": "text"}, {"output": "text"}),
        ],
    )
    def test_an_invocation_answers_its_output(self, ada: Caller, grid: Service, answer: Any, data: Any) -> None:
        deployed(ada)
        grid.on("POST", f"{ROOT}/cores/core_1/invoke", Told(200, answer))
        told = ask(ada, "invoke", {"input": {"name": "Ada"}})
        assert (told.status_code, told.json()) == (200, {"data": data})
        assert grid.asked[-1].json == {"input": {"name": "Ada"}}

    @pytest.mark.parametrize("given", [7, "text", [1], None, True])
    def test_an_input_that_is_no_object_is_refused(self, ada: Caller, grid: Service, given: Any) -> None:
        deployed(ada)
        refused = ask(ada, "invoke", {"input": given})
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "input"])
        assert not grid.asked

    def test_a_resolution_is_passed_on_as_it_is(self, ada: Caller, grid: Service) -> None:
        deployed(ada)
        body = {"decision": "approve", "comment": "fine", "data": {"n": [1, {}]}}
        told = ask(ada, "resolve", body)
        assert (told.status_code, told.json()) == (200, {"data": {"status": "resolved"}})
        assert grid.asked[-1].json == body

    @pytest.mark.parametrize(
        "query",
        ["", "core_id=", "core_id=core_1&limit=0", "core_id=core_1&limit=501", "core_id=core_1&limit=x"],
    )
    @pytest.mark.parametrize("resource", ["events", "checkpoints", "events/stream"])
    def test_a_query_of_another_shape_is_refused(self, ada: Caller, grid: Service, resource: str, query: str) -> None:
        if resource == "events/stream" and query.endswith("=0"):
            query = "core_id=core_1&limit=-1"  # a stream may begin with nothing of before
        refused = ada.get(f"{API}/{resource}?{query}")
        assert (refused.status_code, refused.json()["detail"][0]["loc"][0]) == (422, "query")
        assert not grid.asked


class TestWho:
    """The table of rights (tests/test_permissions.py) tries all roles; here are the ways around it."""

    @pytest.mark.parametrize("road", ROADS)
    def test_a_core_that_no_flow_was_deployed_to_is_not_there(
        self, sam: Caller, tara: Caller, grid: Service, road: str
    ) -> None:
        for caller in (sam, tara):
            assert ask(caller, road).status_code == 404
        assert not grid.calls("POST")

    @pytest.mark.parametrize("road", ROADS)
    def test_a_core_of_another_tenant_is_not_there(self, ada: Caller, olaf: Caller, grid: Service, road: str) -> None:
        deployed(ada)
        assert ask(olaf, road).status_code == 404
        assert not grid.calls("POST")

    @pytest.mark.parametrize("road", ["invoke", "resolve"])
    def test_who_may_only_look_changes_nothing(self, ada: Caller, sign_in: SignIn, grid: Service, road: str) -> None:
        flow_id = deployed(ada)
        guest = sign_in("usr_guest")
        FlowACL.objects.create(flow_id=flow_id, principal_type="user", principal_id="usr_guest", level=2)
        assert ask(guest, "events").status_code == 200
        assert ask(guest, road).status_code == 403
        assert not grid.calls("POST")

    @pytest.mark.parametrize("body", [[1], ["ab"], "approve", 1, True])
    def test_a_decision_is_an_object(self, ada: Caller, grid: Service, body: Any) -> None:
        deployed(ada)
        assert ask(ada, "resolve", body).status_code == 422
        assert not grid.calls("POST")

    def test_a_deleted_flow_opens_nothing(self, ada: Caller, grid: Service) -> None:
        ada.delete(f"/api/v1/flows/{deployed(ada)}")
        assert ask(ada, "events").status_code == 404

    def test_an_earlier_deployment_opens_its_core_too(self, ada: Caller, grid: Service) -> None:
        flow_id = deployed(ada)
        Deployment.objects.create(flow_id=flow_id, core_id="core_2", flow_version="1.0.1", status="deployed")
        assert ask(ada, "events").status_code == 200

    def test_the_highest_level_on_any_of_its_flows_counts(self, ada: Caller, tara: Caller, grid: Service) -> None:
        deployed(ada)
        shared = deployed(tara)
        FlowACL.objects.create(flow_id=shared, principal_type="user", principal_id="usr_ada", level=1)
        assert ask(ada, "invoke").status_code == 200

    def test_a_super_admin_looks_where_the_flows_tenant_has_its_scaigrid(
        self, ada: Caller, tara: Caller, sam: Caller, grid: Service, settings: Any
    ) -> None:
        deployed(ada)
        tara.post("/api/v1/tenants/me/scaigrid_credentials", {"api_key": "sgk_0123456789", "base_url": grid.url})
        settings.SCAIGRID_BASE_URL = "http://127.0.0.1:9"
        assert ask(sam, "events").status_code == 200
        assert grid.asked[-1].headers["Authorization"] == f"Bearer {sam.token}"

    def test_finding_the_flow_takes_one_query(self, ada: Caller, grid: Service, django_assert_num_queries: Any) -> None:
        for _ in range(5):
            deployed(ada)
        with django_assert_num_queries(3):  # who is calling, which flow, and the tenant's address of ScaiGrid
            assert ask(ada, "events").status_code == 200


class TestCheckpoints:
    """A checkpoint's id alone says nothing of rights: ScaiCore is asked whose it is, before anything is resolved."""

    def list(self, grid: Service, *checkpoints: dict[str, Any]) -> None:
        grid.on("GET", f"{ROOT}/checkpoints", Told(200, {"data": {"checkpoints": list(checkpoints)}}))

    def test_its_core_is_found_on_any_page(self, ada: Caller, grid: Service) -> None:
        deployed(ada)
        pages = [
            Told(200, {"data": {"checkpoints": [{**CHECKPOINT, "id": "chk_0"}], "next_cursor": "c2"}}),
            Told(200, {"data": {"checkpoints": [CHECKPOINT], "next_cursor": None}}),
        ]
        grid.on("GET", f"{ROOT}/checkpoints", *pages)
        assert ask(ada, "resolve").status_code == 200
        assert [asked.query for asked in grid.calls("GET")] == [
            "status=pending&limit=100", "status=pending&limit=100&cursor=c2",
        ]  # fmt: skip

    def test_one_of_another_core_is_not_resolved(self, ada: Caller, tara: Caller, grid: Service) -> None:
        deployed(ada)
        deployed(tara, "core_2")
        self.list(grid, {**CHECKPOINT, "core_id": "core_2"})
        refused = ask(ada, "resolve")
        assert (refused.status_code, refused.json()) == (404, {"detail": "there is no pending checkpoint with this id"})
        assert not grid.calls("POST")

    def test_a_core_that_is_named_is_not_believed(self, ada: Caller, tara: Caller, grid: Service) -> None:
        deployed(ada)
        deployed(tara, "core_2")
        self.list(grid, {**CHECKPOINT, "core_id": "core_2"})  # a ScaiCore that does not look at the filter
        assert ada.post(f"{RESOLVE}?core_id=core_1", {}).status_code == 404
        self.list(grid, {"id": "chk_1", "status": "pending"})  # ... or that does not say whose it is
        assert ada.post(f"{RESOLVE}?core_id=core_1", {}).status_code == 404
        assert ada.post(RESOLVE, {}).status_code == 404
        assert not grid.calls("POST")

    def test_a_core_that_is_named_makes_it_quicker(self, ada: Caller, grid: Service) -> None:
        deployed(ada)
        assert ada.post(f"{RESOLVE}?core_id=core_1", {"decision": "approve"}).status_code == 200
        assert grid.asked[0].query == "core_id=core_1&status=pending&limit=100"
        assert grid.asked[-1].json == {"decision": "approve"}

    def test_one_that_is_not_pending_is_not_there(self, ada: Caller, grid: Service) -> None:
        deployed(ada)
        self.list(grid)
        refused = ask(ada, "resolve")
        assert refused.status_code == 404
        assert not grid.calls("POST")


@pytest.mark.parametrize("bad", ["..", ".", "%2e%2e", "..%2fcores", "a%2fb", "%252e", "a%3fb", "a%23b"])
def test_an_id_never_leads_out_of_its_path(ada: Caller, grid: Service, bad: str) -> None:
    deployed(ada, "..")
    assert ada.post(f"{API}/cores/{bad}/invoke", {}).status_code == 404
    assert ada.post(f"{API}/checkpoints/{bad}/resolve", {}).status_code == 404
    assert not grid.asked


@pytest.mark.parametrize("road", ROADS)
class TestFailures:
    def test_a_refusal_names_the_permission(self, ada: Caller, grid: Service, road: str) -> None:
        deployed(ada)
        _, _, method, upstream, permission = ROADS[road]
        grid.on(method, upstream, Told(403, {"error": {"code": "permission_denied", "message": "no"}}))
        refused = ask(ada, road)
        assert (refused.status_code, refused.json()["detail"]) == (502, {
            "error": "scaicore_auth", "message": "permission_denied: no", "status": 403, "code": "permission_denied",
            "fix": f"Caller needs the `{permission}` permission on this tenant.",
        })  # fmt: skip

    def test_any_other_answer_is_told_with_its_status_and_code(self, ada: Caller, grid: Service, road: str) -> None:
        deployed(ada)
        _, _, method, upstream, _ = ROADS[road]
        grid.on(method, upstream, Told(422, {"error": {"code": "EXECUTION_FAILED", "message": "step greet failed"}}))
        refused = ask(ada, road)
        assert (refused.status_code, refused.json()["detail"]) == (502, {
            "error": "scaicore_api", "message": "step greet failed", "status": 422, "code": "EXECUTION_FAILED",
        })  # fmt: skip

    def test_a_scaicore_that_cannot_be_reached_has_neither(
        self, ada: Caller, grid: Service, settings: Any, road: str
    ) -> None:
        deployed(ada)
        settings.SCAIGRID_BASE_URL = "http://127.0.0.1:9"
        detail = ask(ada, road).json()["detail"]
        assert (detail["error"], detail["status"], detail["code"]) == ("scaicore_api", None, None)

    def test_a_limited_rate_is_passed_on_unchanged(self, ada: Caller, grid: Service, road: str) -> None:
        deployed(ada)
        _, _, method, upstream, _ = ROADS[road]
        headers = {"Retry-After": "3", "X-Scaigrid-Ratelimit-Remaining": "0"}
        grid.on(method, upstream, Told(429, b'{"slow":  "down"}', headers))
        told = ask(ada, road)
        assert (told.status_code, told.content) == (429, b'{"slow":  "down"}')
        assert headers.items() <= dict(told.headers).items()

    def test_without_a_credential_the_way_to_one_is_told(
        self, ada: Caller, grid: Service, settings: Any, road: str
    ) -> None:
        deployed(ada)
        settings.DEPLOY_AUTH = "api_key"
        refused = ask(ada, road)
        assert (refused.status_code, refused.json()["detail"]["error"]) == (412, "missing_credentials")
        assert not grid.asked


class TestAudit:
    def entries(self) -> list[Any]:
        fields = ("action", "actor_id", "tenant_id", "object_type", "object_id", "result", "changes")
        entries = AuditEntry.objects.filter(action__in=["core.invoked", "checkpoint.resolved"])
        return list(entries.order_by("at").values_list(*fields))

    def test_what_was_done_to_a_core_is_written_down(self, ada: Caller, sam: Caller, grid: Service) -> None:
        flow_id = deployed(ada)
        ask(ada, "invoke", {"input": {"secret_plan": "X"}})
        sam.post(f"{RESOLVE}?core_id=core_1", {"decision": "approve"})
        about = {"core": "core_1", "flow": flow_id}
        assert self.entries() == [
            ("core.invoked", "usr_ada", "tnt_demo", "core", "core_1", "done", about),
            ("checkpoint.resolved", "usr_sam", "tnt_demo", "checkpoint", "chk_1", "done", about),
        ]

    def test_what_failed_is_written_down_as_that(self, ada: Caller, grid: Service) -> None:
        deployed(ada)
        grid.on("POST", f"{ROOT}/cores/core_1/invoke", Told(500, {}), Told(429, b""))
        ask(ada, "invoke")
        ask(ada, "invoke")
        assert [entry[5] for entry in self.entries()] == ["failed", "failed"]

    def test_looking_is_not_written_down(self, ada: Caller, grid: Service) -> None:
        deployed(ada)
        ask(ada, "events")
        ask(ada, "checkpoints")
        assert self.entries() == []


def test_a_flow_is_found_among_many_without_looking_at_each(
    ada: Caller, grid: Service, django_assert_max_num_queries: Any
) -> None:
    deployed(ada)
    Flow.objects.bulk_create(
        Flow(tenant_id="tnt_demo", owner_id="usr_ada", name=f"F{n}", name_folded=f"f{n}", version="1.0.0")
        for n in range(200)
    )
    with django_assert_max_num_queries(3):
        assert ask(ada, "events").status_code == 200


def test_an_invocation_carries_the_requests_id(ada: Caller, grid: Service) -> None:
    deployed(ada)
    told = ask(ada, "invoke")
    assert grid.asked[-1].headers["X-Request-ID"] == told["X-Request-ID"]
