"""A real HTTP server on loopback that answers as a test tells it, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar


@dataclass
class Asked:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    port: int = 0  # the caller's: who keeps a connection keeps it

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Told:
    """An answer: `body` is bytes as they are, or anything that becomes JSON. A header without a value is not sent."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Answer = Told | Callable[[Asked], Told]


class Service:
    """`on("POST", "/v1/things", Told(201, {...}))`; several answers to one call are given in turn, the last one stays."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}

    def on(self, method: str, path: str, *answers: Answer) -> Service:
        self._answers[method, path] = list(answers)
        return self

    def answer_of(self, method: str, path: str) -> Answer:
        """What it answers now, to be put behind something else."""
        return self._answers[method, path][0]

    def calls(self, method: str | None = None, path: str | None = None) -> list[Asked]:
        return [a for a in self.asked if method in {None, a.method} and path in {None, a.path}]

    def road(self) -> list[str]:
        return [f"{a.method} {a.path}" for a in self.asked]

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        answers = self._answers.get((asked.method, asked.path))
        if not answers:
            return Told(404, {"error": {"code": "NOT_FOUND", "message": f"nothing at {asked.method} {asked.path}"}})
        chosen = answers.pop(0) if len(answers) > 1 else answers[0]
        return chosen(asked) if callable(chosen) else chosen


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body may wait 40 ms for the sign that its headers have come

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            told = service.answer(Asked(self.command, path, query, dict(self.headers), body, self.client_address[1]))
            self.send_response(told.status)
            is_typed = any(name.lower() == "content-type" for name in told.headers)
            usual = {} if is_typed else {"Content-Type": "application/json"}
            for name, value in (usual | told.headers).items():
                if value:
                    self.send_header(name, value)
            raw = b"" if told.status in {204, 304} else told.raw
            if "Content-Length" not in told.headers:
                self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


Kind = TypeVar("Kind", bound=Service)


@contextmanager
def serving(service: Kind) -> Iterator[Kind]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
