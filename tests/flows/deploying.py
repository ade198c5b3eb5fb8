"""What the tests of deploys share: where things are at ScaiGrid and ScaiQueue, and how one deploys."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connections

from tests.conftest import Caller
from tests.drawings import greeting
from tests.loopback import Asked, Service, Told

# Seconds after which a test is taken to hang; nothing else is meant by it, so a busy machine may take its time.
PATIENCE = 60.0
CORES = "/v1/modules/scaicore/cores"
QUEUES = "/v1/modules/scaiqueue"
REVIEW = {"slug": "review", "display_name": "Review", "consumer_mode": "fifo", "max_retries": 5}
TOPOLOGY = {"scope": "support", "queues": [REVIEW]}


def make(caller: Caller, **content: Any) -> str:
    drawing = greeting(**content)
    return caller.post("/api/v1/flows", {"name": drawing["name"], "content": drawing}).json()["id"]


def deploy(caller: Caller, flow_id: str, **body: Any) -> Any:
    return caller.post(f"/api/v1/flows/{flow_id}/deploy", body)


def failure(status: int, code: str | None = None, message: str = "upstream words") -> Told:
    return Told(status, {"status": "error", "error": {"code": code, "message": message}})


class SlowGrid:
    """Holds every new Core back until it is let go, and counts how many came meanwhile."""

    def __init__(self, service: Service) -> None:
        self.go, self.waiting = threading.Event(), threading.Semaphore(0)
        self.made = 0
        service.on("POST", CORES, self.answer)

    def answer(self, asked: Asked) -> Told:
        self.made += 1
        core = f"core_{self.made}"
        self.waiting.release()
        self.go.wait(PATIENCE)
        return Told(201, {"data": {"id": core}})


def until(is_so: Callable[[], bool]) -> None:
    """Raises TimeoutError when it hangs."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError
        pause.wait(0.01)


def post_deploy(token: str, flow_id: str) -> Any:
    try:
        return Caller(token).post(f"/api/v1/flows/{flow_id}/deploy", {}).json()
    finally:
        connections.close_all()
