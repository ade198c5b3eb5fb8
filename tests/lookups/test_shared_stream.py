"""The stream of a Core's events in two processes that share a Redis: here two threads with an event loop each, which share
nothing else that the stream knows of. (Real processes, one of them killed: tests/e2e/test_shared_stream.py)"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from django.db import connections

from scaiflow.kit import crypto
from tests.conftest import Caller
from tests.lookups.eventlog import ROAD, EventLog, Reader
from tests.lookups.test_stream import flow_id, log, opened, quick, stream
from tests.loopback import Service, Told
from tests.servers import RestartingRedis
from tests.tenants.test_sync import wait_until

__all__ = ["flow_id", "log", "quick"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]  # once is enough: no database tells of it
DENIED = Told(403, {"error": {"code": "denied", "message": "no"}})
Story = Callable[[Reader], Awaitable[Any]]


@pytest.fixture(scope="module")
def _server() -> Iterator[RestartingRedis]:
    server = RestartingRedis()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(_server: RestartingRedis, settings: Any) -> RestartingRedis:
    settings.REDIS_URL = _server.url
    with redis.Redis.from_url(_server.url) as client:
        client.flushall()
    return _server


class Processes:
    """Each watches with somebody's token, and does its part of the story once all of them watch."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool, self.ready = pool, threading.Barrier(3, timeout=20)

    def start(self, stories: dict[Caller, Story], query: str) -> list[Future[Any]]:
        parts = [self.pool.submit(self._watch, caller, story, query) for caller, story in stories.items()]
        self.ready.wait()
        return parts

    def _watch(self, caller: Caller, story: Story, query: str) -> Any:
        async def watching() -> Any:
            async with stream(caller, query) as reader:
                await asyncio.to_thread(self.ready.wait)
                told = await story(reader)
            if rest := asyncio.all_tasks() - {asyncio.current_task()}:  # a process goes on when a watcher has left
                await asyncio.wait(rest, timeout=5)
            return told

        try:
            return async_to_sync(watching)()
        finally:
            connections.close_all()


def reads(count: int) -> Story:
    return lambda reader: reader.numbers(count)


def polls(log: EventLog, *callers: Caller) -> None:
    """Each has had a turn since."""
    begun = len(log.tokens)
    wait_until(lambda: {str(caller.token) for caller in callers} <= set(log.tokens[begun:]))


@pytest.fixture
def watch(server: RestartingRedis) -> Iterator[Callable[..., list[Future[Any]]]]:
    """`watch({ada: story, vera: story})`: each in a process of its own; what its story answers."""
    with ThreadPoolExecutor(2) as pool:
        yield lambda stories, query="&limit=0": Processes(pool).start(stories, query)


@pytest.fixture
def vera_too(vera: Caller, flow_id: str) -> Caller:
    return opened(flow_id, vera, "usr_vera")


@pytest.mark.parametrize("oldest_first", [False, True])
def test_both_are_told_everything_once_and_in_order_by_one_poll_an_interval(
    ada: Caller, vera_too: Caller, scaigrid: Service, watch: Any, settings: Any, oldest_first: bool
) -> None:
    settings.EVENT_POLL_SECONDS = 0.1
    log = EventLog(scaigrid, oldest_first=oldest_first)
    both = watch({ada: reads(157), vera_too: reads(157)})
    begun, started = len(log.tokens), time.monotonic()
    for count in (1, 2, 150, 4):
        polls(log, ada, vera_too)
        log.add(count)
    assert [part.result(20) for part in both] == [list(range(157))] * 2
    took, pages = time.monotonic() - started, 157 // 100 + 1  # the long one is two pages
    assert len(log.tokens) - begun <= took / 0.1 + 2 + pages


def test_one_reading_serves_both(ada: Caller, vera_too: Caller, log: EventLog, watch: Any, settings: Any) -> None:
    settings.EVENT_POLL_SECONDS = 1.0

    async def told_after(reader: Reader) -> tuple[list[int], int]:
        return await reader.numbers(1), len(log.tokens)

    both = watch({ada: told_after, vera_too: told_after})
    polls(log, ada)
    begun = len(log.tokens)
    log.add(1)
    assert [part.result(20) for part in both] == [([0], begun + 1)] * 2


def test_who_joins_in_another_process_resumes_behind_the_last_event(
    ada: Caller, vera_too: Caller, log: EventLog, watch: Any
) -> None:
    log.add(300)
    both = watch({ada: reads(203), vera_too: reads(203)}, query="&last_event_id=evt_99")
    log.add(2)
    polls(log, ada, vera_too)
    log.add(1)
    assert [part.result(20) for part in both] == [list(range(100, 303))] * 2


def test_whom_scaicore_refuses_goes_alone_whoever_reads(
    ada: Caller, vera_too: Caller, log: EventLog, watch: Any
) -> None:
    both = watch({ada: reads(2), vera_too: lambda reader: reader.last()})
    log.add(1)
    log.refused[str(vera_too.token)] = DENIED
    assert both[1].result(20)["error"] == "scaicore_auth"
    log.add(1)
    assert both[0].result(20) == [0, 1]


def test_nobody_lives_for_long_from_what_others_credentials_read(
    ada: Caller, vera_too: Caller, log: EventLog, watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at all here: then each reads for itself, and lacks nothing."""
    monkeypatch.setattr("lookups.turns.MOST_BORROWED", 0)
    both = watch({ada: reads(12), vera_too: reads(12)})
    for _ in range(4):
        polls(log, ada, vera_too)
        log.add(3)
    assert [part.result(20) for part in both] == [list(range(12))] * 2


def test_a_limited_rate_is_kept_to_by_all(ada: Caller, vera_too: Caller, log: EventLog, watch: Any) -> None:
    both = watch({ada: reads(1), vera_too: reads(1)})
    polls(log, ada, vera_too)
    log.service.on("GET", ROAD, Told(429, b"", {"Retry-After": "1"}))
    begun = len(log.tokens)
    wait_until(lambda: len(log.tokens) > begun)
    started = time.monotonic()
    wait_until(lambda: len(log.tokens) > begun + 1)
    assert time.monotonic() - started > 0.8
    log.service.on("GET", ROAD, log.answer)
    log.add(1)
    assert [part.result(20) for part in both] == [[0]] * 2


@pytest.mark.parametrize("why", ["it is too large to be sent", "the other has another key"])
def test_what_cannot_be_taken_over_is_read_by_each(
    ada: Caller, vera_too: Caller, log: EventLog, watch: Any, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    def cannot(sealed: str, *, bound_to: str) -> str:
        raise crypto.CannotUnseal("no such key")

    if "key" in why:
        monkeypatch.setattr("lookups.turns.crypto.unseal", cannot)
    else:
        monkeypatch.setattr("lookups.turns.MOST_BATCH_BYTES", 10)
    both = watch({ada: reads(9), vera_too: reads(9)})
    for _ in range(3):
        polls(log, ada, vera_too)
        log.add(3)
    assert [part.result(20) for part in both] == [list(range(9))] * 2


def test_events_rest_in_redis_sealed_few_and_not_for_long(
    ada: Caller, vera_too: Caller, log: EventLog, server: RestartingRedis, watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookups.turns.MOST_BATCHES", 3)
    both = watch({ada: reads(24), vera_too: reads(24)})
    for _ in range(8):
        polls(log, ada)
        log.add(3)
        for event in log.events:
            event["payload"]["text"] = "a canary of theirs"
    assert [part.result(20) for part in both] == [list(range(24))] * 2
    with redis.Redis.from_url(server.url) as client:
        (stored,) = [key for key in client.scan_iter("scaiflow:events:*") if client.type(key) == b"stream"]
        entries = client.xrange(stored)
        assert 0 < client.ttl(stored) <= 60
        assert 0 < len(entries) <= 3
        told = repr([entries, *client.scan_iter()])
    for secret in ("canary", "core_1", "tnt_demo", "evt_", str(ada.token), str(vera_too.token)):
        assert secret not in told


def test_while_redis_is_away_each_reads_for_itself(
    ada: Caller, vera_too: Caller, log: EventLog, server: RestartingRedis, watch: Any
) -> None:
    both = watch({ada: reads(9), vera_too: reads(9)})
    for change in (lambda: None, server.stop, server.start):
        change()
        polls(log, ada, vera_too)
        log.add(3)
    assert [part.result(20) for part in both] == [list(range(9))] * 2
