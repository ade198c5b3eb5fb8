"""The sync socket without a server: the product's own routing, on an event loop of a thread beside the test, and in the
test's own transaction. What needs a real client and a real server is in tests/sync/."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.db import connections

from flows.realtime import threads
from flows.realtime.reception import reception
from flows.sync import protocol
from flows.sync.protocol import Kind
from flows.urls import websocket_urlpatterns
from scaiflow.kit.ws_gate import passing

SYNC, WRITE = "SYNC", "SYNC-WRITE"  # as methods: to come in, and to write something
JOINED = 101
STATUSES = {4401: 401, 4403: 403, 4404: 404, 4429: 429, 4503: 503}
WORD = bytes.fromhex("0101e88ffe8aa1fea504002801016d01770177017800")  # an update: somebody sets the key `w` of a map
SECONDS = 20


def knock(method: str, path: str, *, token: str | None, update: bytes = WORD) -> int:
    """What it came to, as HTTP would say it: 101 for who is in (and whose writing was taken in, where that is asked), 403
    also for who is in and may not write."""
    with _beside_the_test() as run:
        return run(_knock(method, path, token, update))


async def _gate(scope: dict[str, Any], receive: Any, send: Any) -> None:
    with passing(scope):
        await URLRouter(websocket_urlpatterns)(scope, receive, send)


async def _knock(method: str, path: str, token: str | None, update: bytes) -> int:
    reception.cache_clear()
    socket = WebsocketCommunicator(_gate, path, subprotocols=["bearer", token] if token else None)
    await socket.connect(SECONDS)
    says = [protocol.update(update)] if method == WRITE else []
    told = await _told(socket, [*says, protocol.step1(b"\x00")])
    await socket.disconnect(timeout=SECONDS)
    await reception().hub.settle()
    return told


async def _told(socket: Any, says: list[bytes]) -> int:
    """The answer to the last thing said comes when what was said before it is written."""
    for frame in says:
        await socket.send_to(bytes_data=frame)
    while (event := await socket.receive_output(SECONDS))["type"] == "websocket.send":
        frame = event["bytes"]
        if frame[:1] == bytes([protocol.AUTH]):
            return 403
        if protocol.read(frame)[0] == Kind.STEP2:
            return JOINED
    return STATUSES[event["code"]]


@contextmanager
def _beside_the_test() -> Iterator[Any]:
    """One thread for all that blocks, on the test's connection: whoever waits for it does nothing else meanwhile."""
    own = connections["default"]
    own.inc_thread_sharing()

    def take() -> None:
        connections["default"] = own

    def run(work: Coroutine[Any, Any, int]) -> int:
        with ThreadPoolExecutor(1) as loop:  # not this thread: signals are its own
            return loop.submit(asyncio.run, work).result()

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1, initializer=take) as pool:
        patch.setattr(own, "close", lambda: None)
        for name in ("_readers", "_writer", "_compactor"):
            patch.setattr(threads, name, pool)
        yield run
    own.dec_thread_sharing()
