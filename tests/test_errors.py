"""Every failure has the documented form, under DEBUG or not, and never is a page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from flows.models import Flow
from tests.conftest import Caller
from tests.drawings import greeting

pytestmark = pytest.mark.django_db
GREETING = json.dumps({"name": "Greeting", "content": greeting()})


@pytest.fixture(params=[False, True], ids=["live", "debug"], autouse=True)
def debug(request: Any, settings: Any) -> None:
    settings.DEBUG = request.param


@pytest.mark.parametrize(
    "road", ["/api", "/api/v1", "/api/v2/flows", "/api/v1/nothing", "/api/v1/flows/a b", "/api/v1/x/a%0Ab"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_route_is_not_found(stranger: Caller, road: str, method: str) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(road)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_a_wrong_method_is_told_so_without_asking_who_calls(stranger: Caller) -> None:
    answer = stranger.patch("/api/v1/flows")
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert answer["Allow"] == "GET, POST"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_trailing_slash_is_led_to_the_road_without(stranger: Caller, method: str) -> None:
    answer = getattr(stranger, method)("/api/v1/flows/?limit=3")
    assert (answer.status_code, answer["Location"]) == (307, "/api/v1/flows?limit=3")
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize("body", ["{", "[1]", '"text"', "nonsense", '{"name": NaN}', '{"name": 1e999}', '"\\ud800"'])
def test_a_body_that_is_no_json_object_is_unprocessable(ada: Caller, body: str) -> None:
    answer = ada.post("/api/v1/flows", body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "body"


def test_a_body_is_json_whatever_it_is_called(ada: Caller) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded"):
        assert ada.post("/api/v1/flows", GREETING, content_type=content_type).status_code == 201


def test_half_a_character_and_bottomless_nesting_are_refused(ada: Caller) -> None:
    for content in ('{"name": "\\ud800", "nodes": [], "edges": []}', '{"x": ' + "[" * 5000 + "]" * 5000 + "}"):
        body = f'{{"name": "Greeting", "content": {content}}}'
        answer = ada.post("/api/v1/flows", body, content_type="application/json")
        assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "json_invalid")


@pytest.mark.parametrize(
    ("body", "place", "kind"),
    [
        ({"content": {}}, ["body", "name"], "missing"),
        ({"name": "x"}, ["body", "content"], "missing"),
        ({"name": 5, "content": {}}, ["body", "name"], "invalid"),
        ({"name": None, "content": {}}, ["body", "name"], "none_not_allowed"),
        ({"name": " ", "content": {}}, ["body", "name"], "blank"),
        ({"name": "x" * 256, "content": {}}, ["body", "name"], "max_length"),
        ({"name": "a\0b", "content": {}}, ["body", "name"], "null_characters_not_allowed"),
        ({"name": "x", "content": []}, ["body", "content"], "invalid"),
        ({"name": "x", "content": {"nodes": [], "edges": []}}, ["body", "content", "name"], "missing"),
    ],
)
def test_a_field_of_the_wrong_shape_is_named(ada: Caller, body: dict[str, Any], place: list[str], kind: str) -> None:
    answer = ada.post("/api/v1/flows", body)
    assert answer.status_code == 422
    assert {"loc": place, "type": kind}.items() <= answer.json()["detail"][0].items()
    assert answer.json()["detail"][0]["msg"]
    assert not Flow.objects.exists()


def test_no_token_is_401_and_says_which_is_wanted(stranger: Caller) -> None:
    answer = stranger.get("/api/v1/flows")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert isinstance(answer.json()["detail"], str)


def test_a_missing_permission_is_403_and_named(vera: Caller) -> None:
    answer = vera.post("/api/v1/flows", {"name": "x", "content": greeting()})
    assert (answer.status_code, answer.json()) == (403, {"detail": "permission 'scaicore:manage' is missing"})


def test_a_body_over_the_limit_is_refused_before_it_is_read(ada: Caller, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1000
    answer = ada.post("/api/v1/flows", {"name": "x", "content": greeting("x" * 1000)})
    assert answer.status_code == 413
    assert isinstance(answer.json()["detail"], str)


def test_content_over_its_limits_is_refused(ada: Caller, settings: Any) -> None:
    settings.MAX_CONTENT_BYTES = 1000
    assert ada.post("/api/v1/flows", {"name": "x", "content": greeting("x" * 1000)}).status_code == 413
    settings.MAX_CONTENT_BYTES = 2**20
    nodes = [{"id": str(n)} for n in range(5001)]
    assert ada.post("/api/v1/flows", {"name": "x", "content": greeting(nodes=nodes)}).status_code == 413
    assert not Flow.objects.exists()


def test_a_database_that_is_down_is_unavailable(ada: Caller, django_db_blocker: Any, monkeypatch: Any) -> None:
    def down(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", down)
    answer = ada.get("/api/v1/flows")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    detail = answer.json()["detail"]
    assert (detail["error"], detail["component"]) == ("unavailable", "database")


def test_a_bug_of_ours_tells_nothing_but_the_request_id(ada: Caller, monkeypatch: Any) -> None:
    def bug(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("inner words")

    monkeypatch.setattr("django.db.models.query.QuerySet.first", bug)
    answer = ada.get("/api/v1/flows/flow_x", headers={"X-Request-ID": "my-request-1"})
    assert answer.status_code == 500
    assert answer.json()["detail"] | {"message": ""} == {
        "error": "internal",
        "message": "",
        "request_id": "my-request-1",
    }
    assert "inner words" not in answer.content.decode()


def test_a_host_that_is_not_ours_is_refused_without_a_page(stranger: Caller) -> None:
    answer = stranger.get("/api/v1/flows", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("given", ["short", "with space in it", "x" * 200, "quote\"'<>--"])
def test_a_request_id_that_is_not_sane_is_replaced(stranger: Caller, given: str) -> None:
    assert stranger.get("/api/v1/flows", headers={"X-Request-ID": given})["X-Request-ID"].startswith("req_")


def test_every_answer_carries_the_callers_request_id(ada: Caller) -> None:
    for road in ("/api/v1/flows", "/api/v1/none", "/api/v1/flows/", "/healthz"):
        assert ada.get(road, headers={"X-Request-ID": "caller-0001"})["X-Request-ID"] == "caller-0001"


def test_a_problem_document_says_the_same(ada: Caller) -> None:
    answer = ada.get("/api/v1/flows/flow_x", headers={"Accept": "application/problem+json"})
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "flow not found",
        "instance": "/api/v1/flows/flow_x",
    }


def test_what_a_client_accepts_never_makes_a_request_fail(ada: Caller) -> None:
    assert ada.get("/api/v1/flows", headers={"Accept": "text/html"})["Content-Type"] == "application/json"
    assert ada.get("/api/v1/flows?format=xml").status_code == 200
