"""What a save, a read and a deletion do with `If-Match` and `If-None-Match`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Caller
from tests.drawings import greeting


@pytest.fixture
def road(ada: Caller) -> str:
    flow = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()
    return f"/api/v1/flows/{flow['id']}"


def put(caller: Caller, road: str, name: str, **headers: str) -> Any:
    return caller.put(road, {"name": name}, headers={key.replace("_", "-"): value for key, value in headers.items()})


@pytest.mark.parametrize("header", ["*", '"1"', '"0", "1"', ' W/"1", "1"'])
def test_a_save_goes_through_when_the_tag_is_among_those_named(ada: Caller, road: str, header: str) -> None:
    assert put(ada, road, "New", If_Match=header).status_code == 200


@pytest.mark.parametrize("header", ['W/"1"', '"0"', "1", "", '"0", W/"1"'])
def test_a_save_against_anything_else_changes_nothing(ada: Caller, road: str, header: str) -> None:
    answer = put(ada, road, "New", If_Match=header)
    assert (answer.status_code, answer.json()["detail"]["error"]) == (412, "stale_version")
    assert answer.headers["ETag"] == answer.json()["detail"]["etag"] == '"1"'
    assert ada.get(road).json()["name"] == "Greeting"


@pytest.mark.parametrize("header", ["*", '"1"', 'W/"1"'])
def test_a_save_that_wants_none_of_the_states_is_refused_in_one(ada: Caller, road: str, header: str) -> None:
    answer = put(ada, road, "New", If_None_Match=header)
    assert (answer.status_code, answer.json()["detail"]["error"]) == (412, "precondition_failed")
    assert put(ada, road, "New", If_None_Match='"0"').status_code == 200


def test_if_match_is_asked_before_if_none_match(ada: Caller, road: str) -> None:
    answer = put(ada, road, "New", If_Match='"0"', If_None_Match='"1"')
    assert answer.json()["detail"]["error"] == "stale_version"


def test_a_body_of_the_wrong_shape_is_told_before_a_stale_tag(ada: Caller, road: str) -> None:
    assert ada.put(road, {"name": 7}, headers={"If-Match": '"0"'}).status_code == 422


@pytest.mark.parametrize("header", ["*", '"1"', 'W/"1"', '"0" , W/"1"'])
def test_a_read_of_a_known_state_sends_nothing_but_the_tag(ada: Caller, road: str, header: str) -> None:
    for ask in (ada.get, ada.head):
        answer = ask(road, headers={"If-None-Match": header})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", '"1"')


def test_a_read_that_asks_for_an_older_state_is_refused(ada: Caller, road: str) -> None:
    assert ada.get(road, headers={"If-Match": '"0"'}).status_code == 412
    assert ada.get(road, headers={"If-Match": '"0"', "If-None-Match": '"1"'}).status_code == 412
    assert ada.get(road, headers={"If-Match": '"1"'}).status_code == 200


def test_deleting_and_restoring_a_version_honour_the_tag(ada: Caller, road: str) -> None:
    stale = {"If-Match": '"0"'}
    assert ada.delete(road, headers=stale).status_code == 412
    assert ada.post(f"{road}/versions/1.0.0/restore", headers=stale).status_code == 412
    assert ada.post(f"{road}/versions/1.0.0/restore", headers={"If-Match": '"1"'}).json()["version"] == "1.0.1"
    assert ada.delete(road, headers={"If-Match": '"2"'}).status_code == 204
