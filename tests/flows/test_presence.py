"""Presence over HTTP, in memory and in Redis alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from flows.presence import MemoryPresence, Presence, RedisPresence, presence
from tests.conftest import Caller
from tests.drawings import greeting
from tests.servers import running_redis

HEARTBEAT = {"display_name": "Ada L.", "color": "#0f0"}


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with running_redis() as url:
        yield url


@pytest.fixture(params=["memory", "redis"])
def kept(request: pytest.FixtureRequest) -> Presence:
    if request.param == "memory":
        return MemoryPresence()
    url = request.getfixturevalue("redis_url")
    redis.Redis.from_url(url).flushall()
    return RedisPresence(url)


@pytest.fixture
def path(ada: Caller) -> str:
    flow = ada.post("/api/v1/flows", {"name": "x", "content": greeting()}).json()["id"]
    return f"/api/v1/flows/{flow}/presence"


def arrive(kept: Presence, user: str, **more: str) -> None:
    told = {"display_name": user.title(), "color": "", **more}
    kept.arrive(
        flow_id=more.pop("flow_id", "flow_1"), user_id=user, **{k: v for k, v in told.items() if k != "flow_id"}
    )


def test_a_heartbeat_makes_somebody_present_for_others(ada: Caller, tara: Caller, path: str) -> None:
    assert ada.post(f"{path}/heartbeat", HEARTBEAT).status_code == 204
    (peer,) = tara.get(path).json()["peers"]
    assert peer.pop("last_seen_ago_s") < 5
    assert peer == {"user_id": "usr_ada", **HEARTBEAT}
    assert ada.get(path).json() == {"peers": []}


def test_who_leaves_is_gone(ada: Caller, tara: Caller, path: str) -> None:
    ada.post(f"{path}/heartbeat", HEARTBEAT)
    assert ada.delete(path).status_code == 204
    assert tara.get(path).json() == {"peers": []}


@pytest.mark.parametrize(
    "body", [{}, {"display_name": "Ada"}, {**HEARTBEAT, "color": 7}, {**HEARTBEAT, "color": "x" * 99}]
)
def test_a_heartbeat_of_the_wrong_shape_is_refused(ada: Caller, path: str, body: dict[str, Any]) -> None:
    assert ada.post(f"{path}/heartbeat", body).status_code == 422


def test_a_flow_that_is_not_there_has_no_presence(ada: Caller) -> None:
    assert ada.get("/api/v1/flows/flow_none/presence").status_code == 404


def test_reading_presence_asks_the_database_for_no_more_than_the_door(
    ada: Caller, path: str, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        ada.get(path)


def test_everybody_is_told_once_as_last_seen_and_keeps_their_colour(kept: Presence) -> None:
    arrive(kept, "ada", color="#0f0")
    arrive(kept, "ada", source="socket-1")
    arrive(kept, "bob", color="#f00")
    told = [(peer.user_id, peer.color) for peer in kept.present("flow_1")]
    assert told == [("ada", "#0f0"), ("bob", "#f00")]
    assert kept.present("flow_2") == []


def test_leaving_one_way_does_not_end_the_other(kept: Presence) -> None:
    arrive(kept, "ada")
    arrive(kept, "ada", source="socket-1")
    kept.leave(flow_id="flow_1", user_id="ada")
    assert "ada" in [peer.user_id for peer in kept.present("flow_1")]
    kept.leave(flow_id="flow_1", user_id="ada", source="socket-1")
    assert "ada" not in [peer.user_id for peer in kept.present("flow_1")]


def test_who_says_nothing_for_half_a_minute_is_gone(kept: Presence, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(kept, "ada")
    monkeypatch.setattr("flows.presence.TTL", -1.0)
    assert kept.present("flow_1") == []
    arrive(kept, "bob")  # sweeps what is over
    assert [peer.user_id for peer in kept.present("flow_1")] == []


def test_memory_without_redis_and_redis_with_it(settings: Any, tmp_path: Path) -> None:
    settings.REDIS_URL = ""
    assert isinstance(presence(), MemoryPresence)
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert isinstance(presence(), RedisPresence)
