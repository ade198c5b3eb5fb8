"""What an operator sees from outside: one trace through all processes, and one line of log with the request's id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import (
    Ports,
    start_beat,
    start_web,
    start_worker,
    sync_arguments,
    throwaway_environment,
)
from scaiflow.console.visitor import Visitor, request
from tests.drawings import greeting
from tests.e2e.watchers import Collector
from tests.loopback import Service, Told, serving
from tests.migrated import migrate
from tests.scaikey import ScaiKey
from tests.servers import running_redis

pytestmark = [pytest.mark.process, pytest.mark.slow]
CORES = "/v1/modules/scaicore/cores"


class Watched:
    """A server (and a worker, with Redis), a collector and a Sentry, and who signs in."""

    def __init__(self, folder: Path, stack: ExitStack, redis_url: str | None) -> None:
        self.folder = folder
        self.collector, self.key, self.grid = Collector(), ScaiKey(), Service()
        for service in (self.collector, self.key, self.grid):
            stack.enter_context(serving(service))
        self.ports = Ports(web=free_port(), sandbox=0)
        self.env = throwaway_environment(clean_environment(), self.ports, folder) | {
            "SCAIKEY_BASE_URL": self.key.url, "SCAIGRID_BASE_URL": self.grid.url, "TMPDIR": str(folder),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200",
        }  # fmt: skip
        if redis_url:
            self.env["SCAIFLOW_REDIS_URL"] = redis_url
        self.group = stack.enter_context(Processes(logs=folder))
        migrate(self.group, self.env)
        start_web(self.group, self.env, self.ports)
        if redis_url:
            start_worker(self.group, self.env)
            start_beat(self.group, self.env)
        self.visitor = Visitor(f"http://127.0.0.1:{self.ports.web}")
        self.visitor.token = self.key.token()

    def deploy(self, request_id: str) -> Any:
        self.grid.on("GET", CORES, Told(200, {"data": []})).on("POST", CORES, Told(201, {"data": {"id": "core_1"}}))
        self.grid.on("GET", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1"}}))
        flow = self.visitor.send("POST", "/api/v1/flows", {"name": "Traced", "content": greeting()}).body["id"]
        bearer = {"Authorization": f"Bearer {self.visitor.token}", "X-Request-ID": request_id}
        return request("POST", f"{self.visitor.base_url}/api/v1/flows/{flow}/deploy", bearer, b"{}")

    def stop(self) -> None:
        """So that everything that is still in a queue is sent."""
        self.group.__exit__(None, None, None)

    def lines(self, name: str) -> list[dict[str, Any]]:
        raw = (self.folder / f"{name}.log").read_text().splitlines()
        return [json.loads(line) for line in raw if line.startswith("{")]


@pytest.fixture(params=["embedded", "redis"])
def watched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    with ExitStack() as stack:
        redis_url = stack.enter_context(running_redis()) if request.param == "redis" else None
        yield Watched(tmp_path, stack, redis_url)


def test_one_trace_and_one_request_id_from_the_request_through_the_job_to_the_upstream_call(watched: Watched) -> None:
    answer = watched.deploy("req-of-this-test")
    assert answer.status == 200, answer.raw
    asked = watched.grid.calls("POST", CORES)[0]
    watched.stop()
    spans = watched.collector.spans
    (entry,) = [span for _, span in spans if span.kind == span.SPAN_KIND_SERVER and "deploy" in span.name]
    trace = [(service, span) for service, span in spans if span.trace_id == entry.trace_id]
    assert any("flows.deploy" in span.name for _, span in trace), [span.name for _, span in trace]
    calls = [span for _, span in trace if span.kind == span.SPAN_KIND_CLIENT and span.name.startswith("POST")]
    assert calls
    assert asked.headers["traceparent"].split("-")[1] == entry.trace_id.hex()
    assert asked.headers["X-Request-ID"] == "req-of-this-test"
    is_apart = "SCAIFLOW_REDIS_URL" in watched.env
    assert {service for service, _ in trace} == ({"scaiflow-web", "scaiflow-worker"} if is_apart else {"scaiflow-web"})
    told = [line for line in watched.lines("worker" if is_apart else "web") if line.get("event") == "job step"]
    assert {line["request_id"] for line in told} == {"req-of-this-test"}
    assert {line["trace_id"] for line in told} == {entry.trace_id.hex()}
    sent = b"".join(asked.body for asked in watched.collector.asked)
    assert watched.visitor.token.encode() not in sent


def test_a_socket_has_an_id_a_trace_and_one_line_and_so_has_what_is_refused_on_it(tmp_path: Path) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    told = {"X-Request-ID": "req-of-the-socket", "traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    with ExitStack() as stack:
        watched = Watched(tmp_path, stack, None)
        port = free_port()
        watched.group.start("sync", sync_arguments(port), watched.env | {"SCAIFLOW_ROLE": "sync"})
        watched.group.wait_until_up("sync", port, "/healthz")
        flow = watched.visitor.send("POST", "/api/v1/flows", {"name": "Seen", "content": greeting()}).body["id"]
        for token in (watched.visitor.token, watched.key.token(sub="usr_stranger")):
            road = f"ws://127.0.0.1:{port}/api/v1/flows/{flow}/sync?token={token}"
            with connect(road, additional_headers=told) as socket, suppress(ConnectionClosed):
                socket.recv(timeout=20)
        watched.stop()
    first, second = [line for line in watched.lines("sync") if line["event"] == "socket"]
    assert (first["path"], first["request_id"], first["trace_id"]) == (
        f"/api/v1/flows/{flow}/sync", "req-of-the-socket", trace_id,
    )  # fmt: skip
    assert (first["principal"], first["tenant"], second["code"]) == ("usr_ada", "tnt_demo", 4404)
    assert (second["request_id"], "principal" in second) == ("req-of-the-socket", False)
    spans = [
        span for service, span in watched.collector.spans if service == "scaiflow-sync" and span.name == "WEBSOCKET"
    ]
    assert [span.trace_id.hex() for span in spans] == [trace_id] * 2
    assert watched.visitor.token not in (tmp_path / "sync.log").read_text()
    with sqlite3.connect(tmp_path / "scaiflow.db") as database:
        asked = database.execute("SELECT request_id FROM kit_auditentry WHERE actor_id = 'usr_stranger'").fetchall()
    assert asked == [("req-of-the-socket",)]


def test_a_request_is_one_line_of_json(watched: Watched) -> None:
    watched.visitor.send("GET", "/api/v1/flows?cursor=secret-cursor")
    watched.stop()
    (line,) = [line for line in watched.lines("web") if line.get("path") == "/api/v1/flows" and line["method"] == "GET"]
    assert (line["status"], line["principal"], line["tenant"], line["level"]) == (422, "usr_ada", "tnt_demo", "info")
    assert {"request_id", "trace_id", "milliseconds", "timestamp"} <= set(line)
    raw = (watched.folder / "web.log").read_text()
    assert "secret-cursor" not in raw
    assert watched.visitor.token not in raw
