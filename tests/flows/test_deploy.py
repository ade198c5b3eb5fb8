"""Deploy against a ScaiGrid on loopback: the documented answer, the documented errors, and no call after a failure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flows.models import Deployment, Flow, Job
from flows.operations.jobs import wait_for
from tests.conftest import Caller, SignIn
from tests.drawings import greeting
from tests.loopback import Asked, Service, Told

pytestmark = pytest.mark.django_db(transaction=True)
CORES = "/v1/modules/scaicore/cores"
QUEUES = "/v1/modules/scaiqueue"
REVIEW = {"slug": "review", "display_name": "Review", "consumer_mode": "fifo", "max_retries": 5}
TOPOLOGY = {"scope": "support", "queues": [REVIEW]}


@pytest.fixture
def grid(scaigrid: Service) -> Service:
    """A ScaiGrid that says yes to everything."""
    scaigrid.on("POST", CORES, Told(201, {"status": "ok", "data": {"id": "core_1", "slug": "greeting"}}))
    scaigrid.on("PUT", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1"}}))
    published = {"published_slug": "scaicore/demo/greeting", "published_model_id": "model_1"}
    scaigrid.on("POST", f"{CORES}/core_1/publish", Told(200, {"data": published}))
    scaigrid.on("POST", f"{CORES}/core_1/unpublish", Told(200, {"data": {}}))
    scaigrid.on("GET", f"{QUEUES}/scopes", Told(200, {"data": [{"id": "sc_1", "slug": "support"}]}))
    scaigrid.on("GET", f"{QUEUES}/scopes/sc_1/queues", Told(200, {"data": [{"id": "q_1", **REVIEW}]}))
    return scaigrid


def make(caller: Caller, **content: Any) -> str:
    drawing = greeting(**content)
    return caller.post("/api/v1/flows", {"name": drawing["name"], "content": drawing}).json()["id"]


def deploy(caller: Caller, flow_id: str, **body: Any) -> Any:
    return caller.post(f"/api/v1/flows/{flow_id}/deploy", body)


def failure(status: int, code: str | None = None, message: str = "upstream words") -> Told:
    return Told(status, {"status": "error", "error": {"code": code, "message": message}})


def test_a_deploy_answers_the_core_and_leaves_a_record(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    answer = deploy(ada, flow_id)
    assert answer.status_code == 200
    told = answer.json()
    assert told | {"deployment_id": "", "job_id": ""} == {
        "core_id": "core_1",
        "published_slug": None,
        "published_model_id": None,
        "scaiqueue_provisioning": None,
        "deployment_id": "",
        "flow_version": "1.0.0",
        "job_id": "",
    }
    (record,) = ada.get(f"/api/v1/flows/{flow_id}/deployments").json()
    assert (record["id"], record["core_id"], record["deployed_by"]) == (told["deployment_id"], "core_1", "usr_ada")
    assert (record["flow_version"], record["published_slug"], record["status"]) == ("1.0.0", None, "deployed")


def test_the_manifest_goes_up_as_yaml_with_the_callers_token(ada: Caller, grid: Service) -> None:
    deploy(ada, make(ada))
    (sent,) = grid.calls("POST", CORES)
    assert sent.headers["Content-Type"] == "application/yaml"
    assert sent.headers["Authorization"] == f"Bearer {ada.token}"
    assert sent.headers["X-Request-ID"].startswith("req_")
    assert sent.body


def test_a_second_deploy_updates_the_same_core(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    deploy(ada, flow_id)
    ada.put(f"/api/v1/flows/{flow_id}", {"content": greeting("Bye {{name}}")})
    assert deploy(ada, flow_id).json()["flow_version"] == "1.0.1"
    assert grid.road() == [f"POST {CORES}", f"PUT {CORES}/core_1"]
    versions = [record["flow_version"] for record in ada.get(f"/api/v1/flows/{flow_id}/deployments").json()]
    assert versions == ["1.0.1", "1.0.0"]


@pytest.mark.parametrize("status", [404, 405])
def test_a_core_that_is_gone_is_made_anew(ada: Caller, grid: Service, status: int) -> None:
    flow_id = make(ada)
    deploy(ada, flow_id)
    grid.on("PUT", f"{CORES}/core_1", failure(status))
    assert deploy(ada, flow_id).status_code == 200
    assert grid.road()[1:] == [f"PUT {CORES}/core_1", f"POST {CORES}"]


def test_a_taken_slug_is_found_and_brought_up_to_date(ada: Caller, grid: Service) -> None:
    grid.on("POST", CORES, failure(409, "SLUG_CONFLICT"))
    pages = [
        Told(200, {"data": {"items": [{"id": "core_0", "slug": "other"}], "next_cursor": "2"}}),
        Told(200, {"data": {"items": [{"id": "core_1", "slug": "greeting"}]}}),
    ]
    grid.on("GET", CORES, *pages)
    assert deploy(ada, make(ada)).json()["core_id"] == "core_1"
    assert [call.query for call in grid.calls("GET", CORES)] == ["limit=100", "limit=100&cursor=2"]


def test_two_flows_of_one_name_never_share_a_core(ada: Caller, grid: Service) -> None:
    deploy(ada, make(ada))
    grid.on("POST", CORES, failure(409, "SLUG_CONFLICT"))
    grid.on("GET", CORES, Told(200, {"data": [{"id": "core_1", "slug": "greeting"}]}))
    refused = deploy(ada, make(ada))
    assert (refused.status_code, refused.json()["detail"]["error"]) == (502, "scaicore_create_failed")
    assert not grid.calls("PUT")


@pytest.mark.parametrize(
    ("config", "body", "groups"),
    [
        ({"publish_as_model": True, "model_visibility_group_ids": ["grp_1"]}, {}, ["grp_1"]),
        ({"publish_as_model": True, "model_visibility_group_ids": ["grp_1"]}, {"group_ids": []}, []),
        ({"publish_as_model": False}, {"publish_as_model": True, "group_ids": ["grp_2"]}, ["grp_2"]),
        ({}, {"publish_as_model": True}, []),
    ],
)
def test_what_the_request_says_of_publishing_goes_before_the_flow(
    ada: Caller, grid: Service, config: dict[str, Any], body: dict[str, Any], groups: list[str]
) -> None:
    told = deploy(ada, make(ada, config=config), **body).json()
    assert (told["published_slug"], told["published_model_id"]) == ("scaicore/demo/greeting", "model_1")
    assert grid.calls("POST", f"{CORES}/core_1/publish")[0].json == {"group_ids": groups}


def test_a_core_that_is_published_already_counts_as_published(ada: Caller, grid: Service) -> None:
    grid.on("POST", f"{CORES}/core_1/publish", failure(400, "BAD_REQUEST", "Core is already published"))
    core = {"id": "core_1", "slug": "greeting", "metadata": {"published_slug": "scaicore/demo/before"}}
    grid.on("GET", f"{CORES}/core_1", Told(200, {"data": core}))
    assert deploy(ada, make(ada), publish_as_model=True).json()["published_slug"] == "scaicore/demo/before"


def test_a_deploy_that_says_so_takes_the_publication_back(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    deploy(ada, flow_id, publish_as_model=True)
    assert deploy(ada, flow_id, publish_as_model=False).json()["published_slug"] is None
    assert grid.road()[-1] == f"POST {CORES}/core_1/unpublish"
    assert deploy(ada, flow_id, publish_as_model=False).status_code == 200
    assert len(grid.calls("POST", f"{CORES}/core_1/unpublish")) == 1


def test_declared_queues_are_found_or_made_before_the_core(ada: Caller, grid: Service) -> None:
    grid.on("GET", f"{QUEUES}/scopes/sc_1/queues", Told(200, {"data": []}))
    grid.on("POST", f"{QUEUES}/scopes/sc_1/queues", Told(201, {"data": {"id": "q_9", **REVIEW}}))
    told = deploy(ada, make(ada, config={"scaiqueue": TOPOLOGY})).json()
    assert told["scaiqueue_provisioning"] == {
        "scope_id": "sc_1",
        "scope_slug": "support",
        "queue_ids": {"review": "q_9"},
    }
    assert grid.calls("POST", f"{QUEUES}/scopes/sc_1/queues")[0].json == REVIEW
    assert grid.road()[-1] == f"POST {CORES}"


def test_who_loses_the_race_for_a_queue_takes_the_winners(ada: Caller, grid: Service) -> None:
    road = f"{QUEUES}/scopes/sc_1/queues"
    grid.on("GET", road, Told(200, {"data": []}), Told(200, {"data": [{"id": "q_2", **REVIEW}]}))
    grid.on("POST", road, failure(409, "SLUG_CONFLICT"))
    told = deploy(ada, make(ada, config={"scaiqueue": TOPOLOGY})).json()
    assert told["scaiqueue_provisioning"]["queue_ids"] == {"review": "q_2"}


ROWS: dict[str, tuple[str, str, Told, int, dict[str, Any]]] = {
    "no right to look at scopes": ("GET", f"{QUEUES}/scopes", failure(403, "permission_denied"), 502, {
        "error": "scaiqueue_auth", "message": "upstream words",
        "fix": "Caller needs scaiqueue:manage to provision missing scopes/queues."}),
    "queues fail": ("GET", f"{QUEUES}/scopes/sc_1/queues", failure(500), 502, {
        "error": "scaiqueue_provision_failed", "scope": "support", "queue": "review"}),
    "a queue of another mode": ("GET", f"{QUEUES}/scopes/sc_1/queues", Told(200, {
        "data": [{"id": "q_1", **REVIEW, "consumer_mode": "priority"}]}), 502, {
        "error": "scaiqueue_provision_failed", "scope": "support", "queue": "review"}),
    "queues answer with a page": ("GET", f"{QUEUES}/scopes", Told(200, b"<html>"), 502, {
        "error": "scaiqueue_provision_failed", "scope": "support", "queue": None}),
    "ScaiGrid does not compile it": ("POST", CORES, failure(400, "COMPILE_ERROR", "bad step"), 502, {
        "error": "scaicore_compile_failed", "message": "bad step", "status": 400}),
    "ScaiGrid does not know us": ("POST", CORES, failure(401, "unauthorized"), 502, {
        "error": "scaigrid_auth", "fix": "Caller needs the `scaicore:manage` permission on this tenant."}),
    "ScaiGrid's verifier refuses": ("POST", CORES, failure(400, "VERIFIER_ERROR", "verifier error: x"), 502, {
        "error": "scaicore_create_failed", "message": "verifier error: x", "status": 400}),
    "ScaiGrid fails": ("POST", CORES, Told(500, b"oops"), 502, {"error": "scaicore_create_failed", "status": 500}),
    "ScaiGrid redirects": ("POST", CORES, Told(302, None, {"Location": "http://127.0.0.1:1/"}), 502, {
        "error": "scaicore_create_failed", "status": None}),
    "ScaiGrid forgets the id": ("POST", CORES, Told(201, {"data": {}}), 502, {
        "error": "scaicore_create_failed", "status": None}),
    "the publish fails": ("POST", f"{CORES}/core_1/publish", failure(500), 502, {
        "error": "scaicore_publish_failed", "core_id": "core_1"}),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_each_failure_has_its_documented_answer_and_ends_the_road(ada: Caller, grid: Service, row: str) -> None:
    method, path, told, status, detail = ROWS[row]
    grid.on(method, path, told)
    answer = deploy(ada, make(ada, config={"scaiqueue": TOPOLOGY, "publish_as_model": True}))
    assert answer.status_code == status
    assert answer.json()["detail"] | detail == answer.json()["detail"]
    assert grid.road()[-1] == f"{method} {path}"
    assert (Deployment.objects.count() == 1) is (row == "the publish fails")


def test_a_failed_publish_keeps_the_record_without_a_slug(ada: Caller, grid: Service) -> None:
    grid.on("POST", f"{CORES}/core_1/publish", failure(500))
    flow_id = make(ada)
    deploy(ada, flow_id, publish_as_model=True)
    (record,) = ada.get(f"/api/v1/flows/{flow_id}/deployments").json()
    assert (record["core_id"], record["published_slug"], record["status"]) == ("core_1", None, "publish_failed")


@pytest.mark.parametrize("path", [CORES, f"{CORES}/core_1/publish"])
def test_a_limited_rate_is_handed_on_unchanged(ada: Caller, grid: Service, path: str) -> None:
    body = b'{"status":"error",  "error":{"code":"RATE_LIMITED","message":"slow down","retry_after":7}}'
    headers = {"Retry-After": "7", "X-Scaigrid-Ratelimit-Remaining": "0", "X-Internal": "secret"}
    grid.on("POST", path, Told(429, body, headers))
    answer = deploy(ada, make(ada), publish_as_model=True)
    assert (answer.status_code, answer.content) == (429, body)
    assert (answer["Retry-After"], answer["X-Scaigrid-Ratelimit-Remaining"]) == ("7", "0")
    assert "X-Internal" not in answer


def test_scaigrid_out_of_reach_is_told_without_a_status(ada: Caller, settings: Any) -> None:
    settings.SCAIGRID_BASE_URL = "http://127.0.0.1:9"
    detail = deploy(ada, make(ada)).json()["detail"]
    assert (detail["error"], detail["status"]) == ("scaicore_create_failed", None)


def test_a_flow_that_does_not_compile_is_refused_before_any_call(ada: Caller, grid: Service) -> None:
    answer = deploy(ada, make(ada, nodes=[], edges=[]))
    assert (answer.status_code, answer.json()["detail"]["error"]) == (400, "compile_error")
    assert "flow has no entry-point node" in [d["message"] for d in answer.json()["detail"]["diagnostics"]]
    assert grid.road() == []


class TestCredentials:
    ROAD = "/api/v1/tenants/me/scaigrid_credentials"

    def used(self, grid: Service) -> str:
        return grid.calls("POST", CORES)[-1].headers["Authorization"]

    def test_without_any_the_answer_tells_how_to_get_one(self, ada: Caller, grid: Service, settings: Any) -> None:
        settings.DEPLOY_AUTH = "api_key"
        answer = deploy(ada, make(ada))
        assert answer.status_code == 412
        assert answer.json()["detail"] == {
            "error": "missing_scaigrid_credentials",
            "message": "no ScaiGrid credentials for tenant 'tnt_demo'",
            "fix": "Sign in with ScaiKey, or set this tenant's API key via POST /v1/tenants/me/scaigrid_credentials.",
        }
        assert grid.road() == []

    def test_the_tenants_key_comes_before_ours(self, ada: Caller, tara: Caller, grid: Service, settings: Any) -> None:
        settings.DEPLOY_AUTH, settings.SCAIGRID_API_KEY = "api_key", "sgk_of_the_installation"
        deploy(ada, make(ada))
        assert self.used(grid) == "Bearer sgk_of_the_installation"
        assert tara.post(self.ROAD, {"api_key": "sgk_of_the_tenant"}).status_code == 204
        deploy(ada, make(ada))
        assert self.used(grid) == "Bearer sgk_of_the_tenant"

    def test_the_tenants_base_url_holds_for_the_callers_token_too(
        self, ada: Caller, tara: Caller, grid: Service, settings: Any
    ) -> None:
        settings.SCAIGRID_BASE_URL = "http://127.0.0.1:9"
        body = {"api_key": "sgk_of_the_tenant", "base_url": grid.url}
        assert tara.post(self.ROAD, body).status_code == 204
        assert deploy(ada, make(ada)).status_code == 200
        assert self.used(grid) == f"Bearer {ada.token}"


def test_a_job_that_is_asked_for_later_is_answered_at_once(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    answer = ada.post(f"/api/v1/flows/{flow_id}/deploy", {}, headers={"Prefer": "respond-async"})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    job = Job.objects.get(id=answer.json()["job_id"])
    assert wait_for(job=job, seconds=10).is_over
    told = ada.get(answer["Location"]).json()
    assert (told["state"], told["result"]["core_id"], told["kind"]) == ("succeeded", "core_1", "deploy")
    assert [(s["step"], s["state"]) for s in told["progress"]] == [
        ("read", "done"), ("credential", "done"), ("compile", "done"), ("core", "done"), ("record", "done"),
    ]  # fmt: skip


def test_a_job_that_takes_too_long_is_answered_with_its_place(ada: Caller, grid: Service, settings: Any) -> None:
    settings.JOB_WAIT_SECONDS = 0
    answer = deploy(ada, make(ada))
    assert answer.status_code == 202
    assert answer["Location"] == f"/api/v1/jobs/{answer.json()['job_id']}"
    wait_for(job=Job.objects.get(), seconds=10)


def test_the_callers_token_is_sealed_while_the_job_lives_and_gone_after_it(ada: Caller, grid: Service) -> None:
    seen: dict[str, Any] = {}

    def look(asked: Asked) -> Told:
        seen.update(Job.objects.values().get())
        return Told(201, {"data": {"id": "core_1"}})

    grid.on("POST", CORES, look)
    deploy(ada, make(ada))
    assert seen["state"] == "running"
    assert seen["sealed_token"]
    assert ada.token not in json.dumps(seen, default=str)
    assert Job.objects.get().sealed_token is None


def test_a_job_is_seen_by_those_who_see_its_flow(
    ada: Caller, olaf: Caller, tara: Caller, sign_in: SignIn, grid: Service
) -> None:
    road = f"/api/v1/jobs/{deploy(ada, make(ada)).json()['job_id']}"
    assert ada.get(road).status_code == tara.get(road).status_code == 200
    assert olaf.get(road).status_code == sign_in("usr_ben").get(road).status_code == 404


def test_a_deleted_flow_cannot_be_deployed(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    ada.delete(f"/api/v1/flows/{flow_id}")
    assert deploy(ada, flow_id).status_code == 404
    assert Flow.objects.get().deployments.count() == 0


@pytest.mark.parametrize(
    "body", [{"publish_as_model": "yes"}, {"publish_as_model": 1}, {"group_ids": "grp"}, {"group_ids": [7]}]
)
def test_a_body_of_the_wrong_shape_starts_no_job(ada: Caller, grid: Service, body: dict[str, Any]) -> None:
    assert deploy(ada, make(ada), **body).status_code == 422
    assert not Job.objects.exists()


class TestPreview:
    def preview(self, caller: Caller, flow_id: str, **body: Any) -> Any:
        return caller.post(f"/api/v1/flows/{flow_id}/deploy/preview", body).json()

    def test_a_first_deploy_would_make_a_core(self, ada: Caller, grid: Service) -> None:
        told = self.preview(ada, make(ada, config={"publish_as_model": True}))
        assert (told["compiles"], told["core"], told["publication"]) == (True, "create", "publish")
        assert told["live"] is told["same_as_live"] is told["diff"] is told["queues"] is None
        assert grid.road() == []

    def test_what_changed_since_the_last_deploy_is_told(self, ada: Caller, grid: Service) -> None:
        flow_id = make(ada)
        deploy(ada, flow_id, publish_as_model=True)
        assert self.preview(ada, flow_id)["same_as_live"] is True
        ada.put(f"/api/v1/flows/{flow_id}", {"content": greeting("Bye")})
        told = self.preview(ada, flow_id, publish_as_model=False)
        assert (told["same_as_live"], told["core"], told["publication"]) == (False, "update", "unpublish")
        assert told["live"]["core_id"] == "core_1"
        assert told["diff"]["summary"] == "1 node changed"

    def test_queues_are_looked_at_and_nothing_is_written(self, ada: Caller, grid: Service) -> None:
        more = [REVIEW, REVIEW | {"slug": "new"}, REVIEW | {"slug": "odd", "max_retries": 9}]
        there = [{"id": "q_1", **REVIEW}, {"id": "q_3", **REVIEW, "slug": "odd"}]
        grid.on("GET", f"{QUEUES}/scopes/sc_1/queues", Told(200, {"data": there}))
        told = self.preview(ada, make(ada, config={"scaiqueue": {"scope": "support", "queues": more}}))
        assert told["queues"] == {
            "scope": "support",
            "scope_exists": True,
            "create": ["new"],
            "existing": ["review"],
            "conflicts": ["odd"],
        }
        assert {asked.method for asked in grid.asked} == {"GET"}

    def test_a_flow_that_does_not_compile_says_why(self, ada: Caller, grid: Service) -> None:
        told = self.preview(ada, make(ada, nodes=[], edges=[]))
        assert (told["compiles"], told["manifest_digest"]) == (False, None)
        assert told["diagnostics"]


class TestRedeploy:
    def test_an_earlier_version_goes_up_again_as_it_was(self, ada: Caller, grid: Service) -> None:
        flow_id = make(ada)
        first = deploy(ada, flow_id, publish_as_model=True).json()["deployment_id"]
        ada.put(f"/api/v1/flows/{flow_id}", {"content": greeting("Bye {{name}}")})
        deploy(ada, flow_id, publish_as_model=False)
        told = ada.post(f"/api/v1/flows/{flow_id}/deployments/{first}/redeploy", {}).json()
        assert (told["flow_version"], told["core_id"]) == ("1.0.0", "core_1")
        assert told["published_slug"] == "scaicore/demo/greeting"
        assert b"Hello" in grid.calls("PUT")[-1].body
        assert ada.get(f"/api/v1/flows/{flow_id}").json()["version"] == "1.0.1"

    def test_another_flows_deployment_is_not_found(self, ada: Caller, grid: Service) -> None:
        deployment = deploy(ada, make(ada)).json()["deployment_id"]
        other = make(ada, name="Other")
        assert ada.post(f"/api/v1/flows/{other}/deployments/{deployment}/redeploy", {}).status_code == 404
