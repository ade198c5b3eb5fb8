from __future__ import annotations

from typing import Any

import pytest

from flows.models import Flow
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
    assert dev.post(ROAD, {"content": greeting()}).status_code == 503


def test_the_shared_token_opens_nothing_else(dev: Caller, scaikey: Any) -> None:
    assert dev.get("/api/v1/flows").status_code == dev.get("/api/v1/me").status_code == 401


def test_a_users_token_does_not_open_it(dev: Caller, ada: Caller) -> None:
    assert ada.post(ROAD, {"content": greeting()}).status_code == 401


def test_without_a_key_the_answer_tells_how_to_get_one(dev: Caller, settings: Any) -> None:
    settings.SCAIGRID_API_KEY = ""
    answer = dev.post(ROAD, {"content": greeting()})
    assert (answer.status_code, answer.json()["detail"]["error"]) == (412, "missing_scaigrid_credentials")


def test_a_body_of_the_wrong_shape_is_refused(dev: Caller) -> None:
    assert dev.post(ROAD, {"content": [], "publish_as_model": "yes"}).status_code == 422
