from __future__ import annotations

from typing import Any

import pytest

from flows.models import Deployment, Flow
from tests.conftest import Caller
from tests.drawings import greeting
from tests.loopback import Service, Told

pytestmark = pytest.mark.django_db
ROAD, CORES = "/api/v1/dev/deploy", "/v1/modules/scaicore/cores"
TOKEN = "the-shared-token"


@pytest.fixture
def dev(settings: Any) -> Caller:
    settings.API_TOKEN, settings.SCAIGRID_API_KEY = TOKEN, "sgk_of_the_installation"
    return Caller(TOKEN)


def test_a_document_goes_up_without_being_stored(dev: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    answer = dev.post(ROAD, {"content": greeting()})
    assert answer.json() == {"core_id": "core_1", "published_slug": None}
    assert answer["Deprecation"] == "true"
    assert scaigrid.asked[0].headers["Authorization"] == "Bearer sgk_of_the_installation"
    assert not Flow.objects.exists()


def test_it_is_published_when_that_is_asked_for(dev: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
    scaigrid.on("POST", f"{CORES}/core_1/publish", Told(200, {"data": {"published_slug": "scaicore/demo/greeting"}}))
    told = dev.post(ROAD, {"content": greeting(), "publish_as_model": True}).json()
    assert told["published_slug"] == "scaicore/demo/greeting"


@pytest.mark.parametrize("token", [None, "another", TOKEN + "x"])
def test_another_token_is_refused(dev: Caller, scaigrid: Service, token: str | None) -> None:
    assert Caller(token).post(ROAD, {"content": greeting()}).status_code == 401
    assert scaigrid.asked == []


def test_without_the_variable_the_route_is_closed(dev: Caller, settings: Any) -> None:
    settings.API_TOKEN = ""
    answer = dev.post(ROAD, {"content": greeting()})
    assert (answer.status_code, answer["Deprecation"]) == (503, "true")


def test_the_shared_token_opens_nothing_else(dev: Caller, scaikey: Any) -> None:
    assert dev.get("/api/v1/flows").status_code == dev.get("/api/v1/me").status_code == 401


def test_a_users_token_does_not_open_it(dev: Caller, ada: Caller) -> None:
    assert ada.post(ROAD, {"content": greeting()}).status_code == 401


def test_without_a_key_the_answer_tells_how_to_get_one(dev: Caller, settings: Any) -> None:
    settings.SCAIGRID_API_KEY = ""
    answer = dev.post(ROAD, {"content": greeting()})
    assert (answer.status_code, answer.json()["detail"]["error"]) == (412, "missing_scaigrid_credentials")


FAILURES: dict[str, tuple[Any, str, str, Told, int, dict[str, Any]]] = {
    "does not compile": ([], "GET", "/none", Told(200), 400, {"error": "compile_error"}),
    "not allowed": (None, "POST", CORES, Told(403, {"error": {"message": "m"}}), 502, {"error": "scaigrid_auth"}),
    "refused": (None, "POST", CORES, Told(400, {"error": {"code": "VERIFIER_ERROR", "message": "m"}}), 502, {
        "error": "scaicore_create_failed", "status": 400, "message": "m"}),
    "not published": (None, "POST", f"{CORES}/core_1/publish", Told(500), 502, {
        "error": "scaicore_publish_failed", "core_id": "core_1"}),
}  # fmt: skip


@pytest.mark.parametrize("row", FAILURES)
def test_it_fails_as_a_deploy_does(dev: Caller, scaigrid: Service, row: str) -> None:
    nodes, method, path, told, status, detail = FAILURES[row]
    scaigrid.on("POST", CORES, Told(201, {"data": {"id": "core_1"}})).on(method, path, told)
    content = greeting() if nodes is None else greeting(nodes=nodes, edges=[])
    answer = dev.post(ROAD, {"content": content, "publish_as_model": True})
    assert (answer.status_code, answer.json()["detail"] | detail) == (status, answer.json()["detail"])
    assert scaigrid.road()[-1:] == ([] if status == 400 else [f"{method} {path}"])


def test_a_document_of_the_same_name_again_updates_its_core(dev: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", CORES, Told(409, {"error": {"code": "SLUG_CONFLICT", "message": "taken"}}))
    scaigrid.on("GET", CORES, Told(200, {"data": [{"id": "core_1", "slug": "greeting"}]}))
    scaigrid.on("PUT", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1"}}))
    assert dev.post(ROAD, {"content": greeting()}).json()["core_id"] == "core_1"


def test_a_document_never_writes_over_a_flows_core(dev: Caller, ada: Caller, scaigrid: Service) -> None:
    flow_id = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()["id"]
    Deployment.objects.create(flow_id=flow_id, core_id="core_1", flow_version="1.0.0", status="deployed")
    scaigrid.on("POST", CORES, Told(409, {"error": {"code": "SLUG_CONFLICT", "message": "taken"}}))
    scaigrid.on("GET", CORES, Told(200, {"data": [{"id": "core_1", "slug": "greeting"}]}))
    answer = dev.post(ROAD, {"content": greeting()})
    assert (answer.status_code, answer.json()["detail"]["error"]) == (502, "scaicore_create_failed")
    assert not scaigrid.calls("PUT")


def test_a_body_of_the_wrong_shape_is_refused(dev: Caller) -> None:
    assert dev.post(ROAD, {"content": [], "publish_as_model": "yes"}).status_code == 422
