"""ScaiQueue before a deploy: found or made, also when two make it at once."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from tests.conftest import Caller
from tests.flows.deploying import CORES, PATIENCE, QUEUES, REVIEW, TOPOLOGY, deploy, failure, make
from tests.loopback import Asked, Service, Told, serving

pytestmark = pytest.mark.django_db(transaction=True)
ROAD = f"{QUEUES}/scopes/sc_1/queues"


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


def test_a_scope_that_is_not_there_is_made(ada: Caller, grid: Service) -> None:
    grid.on("GET", f"{QUEUES}/scopes", Told(200, {"data": []}))
    grid.on("POST", f"{QUEUES}/scopes", Told(201, {"status": "ok", "data": {"id": "sc_1", "slug": "support"}}))
    assert deploy(ada, make(ada, config={"scaiqueue": TOPOLOGY})).json()["scaiqueue_provisioning"]["scope_id"] == "sc_1"
    assert grid.calls("POST", f"{QUEUES}/scopes")[0].json == {"slug": "support", "display_name": "support"}


def test_all_pages_are_looked_through_before_anything_is_made(ada: Caller, grid: Service) -> None:
    scopes = [
        Told(200, {"data": [{"id": "sc_0", "slug": "other"}], "has_more": True, "next_cursor": "p2"}),
        Told(200, {"data": {"items": [{"id": "sc_1", "slug": "support"}], "next_cursor": None}}),
    ]
    grid.on("GET", f"{QUEUES}/scopes", *scopes)
    first = {"id": "q_0", **REVIEW, "slug": "other"}
    grid.on(
        "GET", ROAD, Told(200, {"data": [first], "next_cursor": "q2"}), Told(200, {"data": [{"id": "q_1", **REVIEW}]})
    )
    told = deploy(ada, make(ada, config={"scaiqueue": TOPOLOGY})).json()
    assert told["scaiqueue_provisioning"] == {
        "scope_id": "sc_1", "scope_slug": "support", "queue_ids": {"review": "q_1"},
    }  # fmt: skip
    assert [call.query for call in grid.calls("GET", ROAD)] == ["limit=100", "limit=100&cursor=q2"]
    assert {call.method for call in grid.asked if call.path.startswith(QUEUES)} == {"GET"}


def test_a_slug_that_is_taken_but_nowhere_to_be_seen_ends_the_deploy(ada: Caller, grid: Service) -> None:
    grid.on("GET", ROAD, Told(200, {"data": []}))
    grid.on("POST", ROAD, failure(409, "SLUG_CONFLICT", "taken"))
    detail = deploy(ada, make(ada, config={"scaiqueue": TOPOLOGY})).json()["detail"]
    assert (detail["error"], detail["message"], detail["queue"]) == ("scaiqueue_provision_failed", "taken", "review")
    assert not grid.calls("POST", CORES)


@pytest.mark.parametrize("other", [{"max_retries": 9}, {"consumer_mode": "broadcast"}])
def test_who_loses_the_race_to_another_kind_of_queue_ends_the_deploy(
    ada: Caller, grid: Service, other: dict[str, Any]
) -> None:
    grid.on("GET", ROAD, Told(200, {"data": []}), Told(200, {"data": [{"id": "q_2", **REVIEW, **other}]}))
    grid.on("POST", ROAD, failure(409, "SLUG_CONFLICT"))
    detail = deploy(ada, make(ada, config={"scaiqueue": TOPOLOGY})).json()["detail"]
    assert detail["error"] == "scaiqueue_provision_failed"
    assert next(iter(other)) in detail["message"]
    assert not grid.calls("POST", CORES)


class RacedQueues(Service):
    """A ScaiQueue that keeps what it is told, and lets nobody create before `everybody` has looked and found nothing."""

    def __init__(self, everybody: int) -> None:
        super().__init__()
        self.kept: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.looked: dict[str, threading.Barrier] = defaultdict(lambda: threading.Barrier(everybody, timeout=PATIENCE))
        self.lock = threading.Lock()

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        with self.lock:
            kept, looked = self.kept[asked.path], self.looked[asked.path]
            there = {"data": list(kept.values())}
        if asked.method == "GET":
            if not there["data"]:
                looked.wait()
            return Told(200, there)
        wanted = json.loads(asked.body)
        with self.lock:
            if wanted["slug"] in kept:
                return failure(409, "SLUG_CONFLICT")
            kept[wanted["slug"]] = {"id": f"id_{wanted['slug']}", **wanted}
        return Told(201, {"data": kept[wanted["slug"]]})


def test_deploys_that_make_the_same_queues_at_once_agree_on_them(ada: Caller, grid: Service, settings: Any) -> None:
    flows = [make(ada, name=name, config={"scaiqueue": TOPOLOGY}) for name in ("One", "Two", "Three")]
    grid.on("POST", CORES, lambda asked: Told(201, {"data": {"id": f"core_{len(grid.asked)}"}}))

    def go(flow_id: str) -> Any:
        try:
            return deploy(Caller(ada.token), flow_id).json()["scaiqueue_provisioning"]
        finally:
            connections.close_all()

    with serving(RacedQueues(len(flows))) as queues, ThreadPoolExecutor(len(flows)) as pool:
        settings.SCAIQUEUE_BASE_URL = queues.url
        told = list(pool.map(go, flows))
    assert told == [{"scope_id": "id_support", "scope_slug": "support", "queue_ids": {"review": "id_review"}}] * 3
    assert len(queues.calls("POST", "/scopes")) == len(queues.calls("POST", "/scopes/id_support/queues")) == 3
