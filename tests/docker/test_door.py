"""The door of a served installation: docker/Caddyfile in a real Caddy, and the same promises of the cluster's ingress."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from flows.urls import websocket_urlpatterns
from scaiflow.console.processes import free_port, is_taken
from tenants.bearers import NAMES
from tests.loopback import Asked, Service, Told, serving
from tests.servers import die_with_parent

DOCKER = Path(__file__).parents[2] / "docker"
SECRET = "the-secret-that-nobody-reads-in-a-log"
INGRESSES = [
    one for one in yaml.safe_load_all((DOCKER / "k8s/30-ingress.yaml").read_text()) if one["kind"] == "Ingress"
]


class Role(Service):
    """Whatever is asked of it, it says who it is."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def answer(self, asked: Asked) -> Told:
        return Told(200, self.name.encode(), {"Connection": "close"})


class Door:
    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.port, self.log = free_port(), folder / "caddy.log"
        self.roles = {name: ExitStack() for name in ("web", "sync")}
        text = (DOCKER / "Caddyfile").read_text()
        for name, up in self.roles.items():
            role = up.enter_context(serving(Role(name)))
            stack.callback(up.close)
            text = text.replace(f"{name}:8001", role.url.removeprefix("http://"))
        (folder / "Caddyfile").write_text(text)
        env = os.environ | {"SITE_ADDRESS": f"http://127.0.0.1:{self.port}", "HOME": str(folder)}
        command = [str(Path(sys.executable).with_name("caddy")), "run", "--config", str(folder / "Caddyfile")]
        with self.log.open("wb") as told:
            caddy = subprocess.Popen(command, cwd=folder, env=env, stdout=told, stderr=told, preexec_fn=die_with_parent)
        stack.callback(caddy.wait)
        stack.callback(caddy.terminate)
        deadline = time.monotonic() + 30
        while not is_taken(self.port):
            assert caddy.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        told = answer.read().decode()
        connection.close()
        return answer.status, told


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with ExitStack() as stack:
        yield Door(tmp_path_factory.mktemp("door"), stack)


def routes(patterns: list[Any], before: str = "/") -> Iterator[tuple[str, Any]]:
    """An example address of every route, and what answers it."""
    for one in patterns:
        if not isinstance(one.pattern, RoutePattern):
            continue
        path = before + re.sub(r"<[^>]*>", "x1", str(one.pattern))
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, path)
        elif isinstance(one, URLPattern):
            yield path, one.callback


def wants_asgi(view: Any) -> bool:
    return "require_asgi(" in inspect.getsource(getattr(view, "view_class", None) or getattr(view, "cls", view))


ALL = dict(routes(get_resolver().url_patterns))
SOCKETS = [path for path, _ in routes(websocket_urlpatterns)]
LONG = [*SOCKETS, *(path for path, view in ALL.items() if wants_asgi(view))]


def test_there_is_a_socket_and_a_stream_for_programs_and_one_for_pages() -> None:
    assert sorted(LONG) == ["/api/v1/flows/x1/sync", "/api/v1/scaicore/events/stream", "/flows/x1/runs/stream"]


def test_the_proxy_sends_what_needs_asgi_to_sync_and_all_else_to_web(door: Door) -> None:
    others = {path for path in ALL if not path.startswith("/admin")} - {*LONG, "/metrics", "/readyz"}
    assert len(others) > 100
    assert {path: door.ask(path)[1] for path in others if door.ask(path)[1] != "web"} == {}
    assert {path: door.ask(path)[1] for path in LONG} == dict.fromkeys(LONG, "sync")


def test_neither_counts_nor_the_state_of_parts_are_for_strangers(door: Door) -> None:
    assert [door.ask(path)[0] for path in ("/metrics", "/readyz", "/healthz")] == [404, 404, 200]


def test_the_proxy_writes_down_no_token_and_no_code(door: Door) -> None:
    """Neither in its line a request nor in what it says when a role is away."""
    asked = [
        *(f"{SOCKETS[0]}?{name}={SECRET}&of=a-socket" for name in NAMES),
        f"/login/callback?code={SECRET}&of=a-code",
    ]
    for _ in ("there", "away"):
        for path in asked:
            door.ask(
                path, Authorization=f"Bearer {SECRET}", Cookie=f"a={SECRET}", Sec_WebSocket_Protocol=f"bearer, {SECRET}"
            )
        for role in door.roles.values():
            role.close()
    told = door.log.read_text()
    assert told.count("of=a-socket") >= 4
    assert told.count("of=a-code") >= 2
    assert "connection refused" in told
    assert SECRET not in told


def taken_by(path: str) -> tuple[str, dict[str, str]]:
    """The service, and the annotations, under which the ingress takes the path: the longest that fits, as nginx has it."""
    rules = [
        (rule["path"], rule["backend"]["service"]["name"], ingress["metadata"]["annotations"])
        for ingress in INGRESSES
        for rule in ingress["spec"]["rules"][0]["http"]["paths"]
    ]
    fitting = [rule for rule in rules if re.match(rule[0], path, re.IGNORECASE)]
    _, service, annotations = max(fitting, key=lambda rule: len(rule[0]))
    return service, annotations


def test_the_ingress_sends_what_needs_asgi_to_sync_and_all_else_to_web() -> None:
    assert {path: taken_by(path)[0] for path in ALL} == {path: "sync" if path in LONG else "web" for path in ALL}
    assert taken_by(SOCKETS[0])[0] == "sync"


@pytest.mark.parametrize("path", [*SOCKETS, "/login/callback"])
def test_the_ingress_writes_no_line_about_an_address_that_carries_a_token_or_a_code(path: str) -> None:
    assert taken_by(path)[1]["nginx.ingress.kubernetes.io/enable-access-log"] == "false"
    assert "nginx.ingress.kubernetes.io/enable-access-log" not in taken_by("/api/v1/flows")[1]
