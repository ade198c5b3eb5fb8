"""The stream of events from a real server, and a run of a real Core in the sandbox behind it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest

from scaiflow.console.processes import Processes, clean_environment, free_port
from scaiflow.console.stage import Ports, start_sandbox, start_web, throwaway_environment
from scaiflow.console.visitor import Visitor
from tests.drawings import greeting
from tests.migrated import migrate

pytestmark = [pytest.mark.process, pytest.mark.slow]
EVENTS = "/api/v1/scaicore/events"


@pytest.fixture(scope="module")
def ada(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    folder = tmp_path_factory.mktemp("stream")
    ports = Ports(web=free_port(), sandbox=free_port())
    env = throwaway_environment(clean_environment(), ports, folder)
    with Processes(logs=folder) as group:
        start_sandbox(group, env, ports)
        migrate(group, env)
        start_web(group, env, ports)
        visitor = Visitor(f"http://127.0.0.1:{ports.web}")
        visitor.sign_in("usr_ada")
        yield visitor


@pytest.fixture(scope="module")
def core_id(ada: Visitor) -> str:
    content = greeting()
    flow_id = ada.send("POST", "/api/v1/flows", {"name": content["name"], "content": content}).body["id"]
    return str(ada.send("POST", f"/api/v1/flows/{flow_id}/deploy", {}).body["core_id"])


def watch(visitor: Visitor, core_id: str, **headers: str) -> tuple[HTTPConnection, HTTPResponse]:
    connection = HTTPConnection(str(urlsplit(visitor.base_url).netloc), timeout=20)
    sent = {"Authorization": f"Bearer {visitor.token}", **headers}
    connection.request("GET", f"{EVENTS}/stream?core_id={core_id}", headers=sent)
    return connection, connection.getresponse()


def frame(response: HTTPResponse) -> dict[str, Any]:
    """The next frame with data."""
    fields: dict[str, Any] = {}
    while line := response.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if not name and "data" in fields:
            return {**fields, "data": json.loads(fields["data"])}
        fields = {**fields, name: value} if name else {}
    raise AssertionError("the stream ended")


def test_a_run_is_seen_block_by_block_while_it_happens_and_resumed_where_it_was_left(
    ada: Visitor, core_id: str
) -> None:
    connection, response = watch(ada, core_id)
    assert (response.status, response.getheader("Content-Type")) == (200, "text/event-stream")
    assert ada.send("POST", f"/api/v1/scaicore/cores/{core_id}/invoke", {"input": {"name": "Ada"}}).status == 200
    kinds = ["invocation.started", "block.entered", "block.exited", "invocation.completed"]
    seen = [frame(response) for _ in kinds]
    assert [one["data"]["type"].removeprefix("scaicore.runtime.") for one in seen] == kinds
    connection.close()
    listed = ada.send("GET", f"{EVENTS}?core_id={core_id}").body["data"]["events"]
    assert [one["data"] for one in reversed(seen)] == listed
    again, response = watch(ada, core_id, **{"Last-Event-ID": seen[1]["id"]})
    assert [frame(response) for _ in range(2)] == seen[2:]
    again.close()


def test_who_hangs_up_leaves_nothing_open(ada: Visitor, core_id: str) -> None:
    """More streams than a Core may have at once, one after the other, each cut off in the middle."""
    for _ in range(220):
        connection, response = watch(ada, core_id)
        assert response.readline() == b"retry: 3000\n"
        connection.sock.shutdown(socket.SHUT_RDWR) if connection.sock else None
        response.close()
        connection.close()
    assert ada.send("GET", "/readyz").status == 200
    connection, response = watch(ada, core_id)
    assert ada.send("POST", f"/api/v1/scaicore/cores/{core_id}/invoke", {"input": {"name": "A"}}).status == 200
    assert frame(response)["data"]["core_id"] == core_id
    connection.close()
