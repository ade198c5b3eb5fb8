"""What the tests of deploys share: where things are at ScaiGrid and ScaiQueue, and how one deploys."""

from __future__ import annotations

from typing import Any

from tests.conftest import Caller
from tests.drawings import greeting
from tests.loopback import Told

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
