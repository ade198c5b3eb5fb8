"""The matrix of errors, row by row: the documented answer, and no call after the one that failed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.models import Deployment, Job
from tests.conftest import Caller
from tests.flows.deploying import CORES, QUEUES, REVIEW, TOPOLOGY, deploy, failure, make
from tests.loopback import Service, Told

pytestmark = pytest.mark.django_db(transaction=True)
BROKEN = Told(200, b"cut", {"Content-Length": "5000", "Connection": "close"})
# Where something has to be made that is not there yet.
TOPOLOGIES = {
    ("POST", f"{QUEUES}/scopes"): {"scope": "new", "queues": [REVIEW]},
    ("POST", f"{QUEUES}/scopes/sc_1/queues"): {"scope": "support", "queues": [REVIEW, REVIEW | {"slug": "fresh"}]},
}
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
    "a scope may not be made": ("POST", f"{QUEUES}/scopes", failure(401), 502, {
        "error": "scaiqueue_auth", "scope": "new"}),
    "a scope is not made": ("POST", f"{QUEUES}/scopes", failure(400, "BAD_SLUG"), 502, {
        "error": "scaiqueue_provision_failed", "message": "upstream words", "scope": "new", "queue": None}),
    "a queue may not be made": ("POST", f"{QUEUES}/scopes/sc_1/queues", failure(403), 502, {
        "error": "scaiqueue_auth", "queue": "fresh"}),
    "a queue is not made": ("POST", f"{QUEUES}/scopes/sc_1/queues", failure(503), 502, {
        "error": "scaiqueue_provision_failed", "scope": "support", "queue": "fresh"}),
    "ScaiGrid forbids it": ("POST", CORES, failure(403, "forbidden"), 502, {
        "error": "scaigrid_auth", "message": "upstream words", "status": 403}),
    "a quota is used up": ("POST", CORES, failure(402, "QUOTA_EXCEEDED"), 502, {
        "error": "scaicore_create_failed", "status": 402, "message": "upstream words"}),
    "ScaiGrid answers without end": ("POST", CORES, Told(201, b" " * (11 * 1024 * 1024)), 502, {
        "error": "scaicore_create_failed", "status": None}),
    "the publish is forbidden": ("POST", f"{CORES}/core_1/publish", failure(403), 502, {
        "error": "scaicore_publish_failed", "core_id": "core_1", "status": 403}),
    "the publish breaks off": ("POST", f"{CORES}/core_1/publish", BROKEN, 502, {
        "error": "scaicore_publish_failed", "core_id": "core_1", "status": None}),
    "the publish tells no slug": ("POST", f"{CORES}/core_1/publish", Told(200, {"data": {}}), 502, {
        "error": "scaicore_publish_failed", "core_id": "core_1"}),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_each_failure_has_its_documented_answer_and_ends_the_road(ada: Caller, grid: Service, row: str) -> None:
    method, path, told, status, detail = ROWS[row]
    grid.on(method, path, told)
    topology = TOPOLOGIES.get((method, path), TOPOLOGY)
    answer = deploy(ada, make(ada, config={"scaiqueue": topology, "publish_as_model": True}))
    assert answer.status_code == status
    assert answer.json()["detail"] | detail == answer.json()["detail"]
    assert grid.road()[-1] == f"{method} {path}"
    assert (Deployment.objects.count() == 1) is ("publish" in row)
    assert Job.objects.get().state == "failed"


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


UPDATES: dict[str, tuple[Told, dict[str, Any]]] = {
    "not known": (failure(401), {"error": "scaigrid_auth"}),
    "not allowed": (failure(403), {"error": "scaigrid_auth"}),
    "does not compile there": (failure(422, "SCAICORE_COMPILE_FAILED"), {"error": "scaicore_compile_failed"}),
    "refused": (failure(400, "VERIFIER_ERROR"), {"error": "scaicore_create_failed", "status": 400}),
    "fails": (failure(503), {"error": "scaicore_create_failed", "status": 503}),
    "breaks off": (BROKEN, {"error": "scaicore_create_failed", "status": None}),
}


@pytest.mark.parametrize("row", UPDATES)
def test_an_update_that_fails_is_told_like_a_creation_that_fails(ada: Caller, grid: Service, row: str) -> None:
    answered, detail = UPDATES[row]
    flow_id = make(ada)
    deploy(ada, flow_id)
    grid.on("PUT", f"{CORES}/core_1", answered)
    answer = deploy(ada, flow_id, publish_as_model=True)
    assert (answer.status_code, answer.json()["detail"] | detail) == (502, answer.json()["detail"])
    assert grid.road() == [f"POST {CORES}", f"PUT {CORES}/core_1"]
    assert Deployment.objects.count() == 1


@pytest.mark.parametrize(("method", "path"), [("GET", f"{QUEUES}/scopes"), ("PUT", f"{CORES}/core_1"), ("GET", CORES)])
def test_a_limited_rate_is_handed_on_from_wherever_it_comes(ada: Caller, grid: Service, method: str, path: str) -> None:
    flow_id = make(ada, config={"scaiqueue": TOPOLOGY})
    if method == "PUT":
        deploy(ada, flow_id)
    if path == CORES:
        grid.on("POST", CORES, failure(409, "SLUG_CONFLICT"))
    grid.on(method, path, Told(429, b"slow down", {"Retry-After": "7", "Content-Type": "text/plain"}))
    answer = deploy(ada, flow_id)
    assert (answer.status_code, answer.content, answer["Retry-After"]) == (429, b"slow down", "7")
    assert answer["Content-Type"] == "text/plain"
    assert grid.road()[-1] == f"{method} {path}"


def test_queues_without_a_scope_have_no_place_to_be_in(ada: Caller, grid: Service) -> None:
    flow_id = make(ada, config={"scaiqueue": {"queues": [REVIEW]}})
    assert deploy(ada, flow_id).json()["detail"]["error"] == "compile_error"
    told = ada.post(f"/api/v1/flows/{flow_id}/deploy/preview", {}).json()
    assert (told["compiles"], told["queues"]) == (False, None)
    assert grid.asked == []


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_topology_of_nothing_is_nothing_to_provision(ada: Caller, grid: Service, nothing: Any) -> None:
    assert deploy(ada, make(ada, config={"scaiqueue": nothing})).json()["scaiqueue_provisioning"] is None
    assert grid.road() == [f"POST {CORES}"]


def test_scaiqueue_out_of_reach_touches_no_core(ada: Caller, grid: Service, settings: Any) -> None:
    settings.SCAIQUEUE_BASE_URL = "http://127.0.0.1:9"
    detail = deploy(ada, make(ada, config={"scaiqueue": TOPOLOGY})).json()["detail"]
    assert (detail["error"], detail["scope"]) == ("scaiqueue_provision_failed", "support")
    assert grid.asked == []


def test_stored_content_that_cannot_be_read_touches_nothing(ada: Caller, grid: Service, empty_storage: Path) -> None:
    flow_id = make(ada)
    shutil.rmtree(empty_storage)
    answer = deploy(ada, flow_id)
    assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "storage")
    assert answer["Retry-After"]
    assert grid.asked == []
