"""Two server processes that share a Redis and one reading of a Core's events; the one that reads is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path

import pytest

from scaiflow.console.processes import free_port
from scaiflow.console.stage import web_arguments
from scaiflow.console.visitor import Visitor
from tests.drawings import greeting
from tests.e2e.faults import Installation, StatefulGrid
from tests.e2e.test_stream import frame, watch
from tests.lookups.eventlog import ROAD, EventLog
from tests.loopback import Asked, Service, Told, serving
from tests.scaikey import ScaiKey
from tests.servers import running_redis

pytestmark = [pytest.mark.process, pytest.mark.slow]
TAKEN_OVER_SECONDS = 6.0  # the key of a dead reader lasts three, and this machine may be busy


class Scene:
    """Two servers, somebody at each of them, and a ScaiCore that holds the next reading with one of their tokens."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.stack = stack
        key = stack.enter_context(serving(ScaiKey()))
        key.on("POST", "/token", Told(200, {"access_token": "a service's", "expires_in": 600}))
        self.core = stack.enter_context(serving(Service()))
        self.log, self.held = EventLog(self.core), ""
        self.come, self.go = threading.Event(), threading.Event()
        self.core.on("GET", ROAD, self.answer)
        self.core.on("POST", "/v1/modules/scaicore/cores", Told(201, {"data": {"id": "core_1"}}))
        addresses = {"SCAIFLOW_REDIS_URL": stack.enter_context(running_redis())}
        vault = stack.enter_context(serving(StatefulGrid()))
        self.made = Installation(folder, key, self.core, SCAIVAULT_BASE_URL=vault.url, **addresses)
        stack.enter_context(self.made.group)
        self.made.start()
        port = free_port()
        self.made.group.start("other", web_arguments(port), self.made.env)
        self.made.group.wait_until_up("other", port, "/healthz")
        self.first, self.second = self.made.visitor(), Visitor(f"http://127.0.0.1:{port}")
        self.second.token = key.token(jti="another")

    def watch(self, visitor: Visitor, core_id: str) -> HTTPResponse:
        connection, response = watch(visitor, core_id)
        self.stack.callback(connection.close)
        self.stack.callback(response.close)
        return response

    def answer(self, asked: Asked) -> Told:
        if self.held and asked.headers["Authorization"] == f"Bearer {self.held}":
            self.come.set()
            self.go.wait(60)
            return Told(503, {})
        return self.log.answer(asked)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(tmp_path, stack)


def test_whoever_reads_may_die_and_the_others_lose_nothing(scene: Scene) -> None:
    body = {"name": "Greeting", "content": greeting()}
    flow_id = scene.first.send("POST", "/api/v1/flows", body).body["id"]
    core_id = scene.first.send("POST", f"/api/v1/flows/{flow_id}/deploy", {}).body["core_id"]
    at_first, at_second = (scene.watch(visitor, core_id) for visitor in (scene.first, scene.second))
    scene.log.add(3)
    begun, started = len(scene.log.tokens), time.monotonic()
    assert [frame(at_first)["data"]["payload"]["n"] for _ in range(3)] == [0, 1, 2]
    assert [frame(at_second)["data"]["payload"]["n"] for _ in range(3)] == [0, 1, 2]
    while {scene.first.token, scene.second.token} - set(scene.log.tokens[begun:]):
        assert time.monotonic() < started + 20, "not both have had a turn"
        scene.come.wait(0.05)
    assert len(scene.core.calls("GET", ROAD)) - begun <= time.monotonic() - started + 1  # one a second, not two
    scene.log.add(2)
    scene.held = scene.first.token
    assert scene.come.wait(20)
    dead = scene.made.group.running.pop("web")
    dead.kill()
    dead.wait()
    died = time.monotonic()
    scene.log.add(2)
    assert [frame(at_second)["data"]["payload"]["n"] for _ in range(4)] == [3, 4, 5, 6]
    assert time.monotonic() - died < TAKEN_OVER_SECONDS
    scene.go.set()
    scene.log.add(1)
    assert frame(at_second)["data"]["payload"]["n"] == 7
