"""The broker goes down under a running server."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.drawings import greeting
from tests.e2e.faults import Installation, StatefulGrid
from tests.loopback import serving
from tests.scaikey import ScaiKey
from tests.servers import running_redis

pytestmark = [pytest.mark.process, pytest.mark.slow]


def test_a_deploy_that_could_not_be_sent_is_over_and_can_be_asked_for_again(tmp_path: Path) -> None:
    with ExitStack() as stack:
        key = stack.enter_context(serving(ScaiKey()))
        grid = stack.enter_context(serving(StatefulGrid()))
        with running_redis() as redis_url:
            made = Installation(tmp_path, key, grid, SCAIFLOW_REDIS_URL=redis_url)  # type: ignore[arg-type]
            stack.enter_context(made.group)
            made.start(with_worker=False)
        visitor = made.visitor()
        flow_id = visitor.send("POST", "/api/v1/flows", {"name": "x", "content": greeting()}).body["id"]
        told = [send(visitor, flow_id) for _ in range(2)]
        jobs = visitor.send("GET", f"/api/v1/flows/{flow_id}/jobs").body["items"]
    for answer in told:
        assert (answer.status, answer.body["detail"]["component"]) == (503, "broker")
        assert answer.headers["retry-after"]
    assert [(job["state"], job["error"]["status"]) for job in jobs] == [("failed", 503)] * 2
    assert grid.asked == []


def send(visitor: Any, flow_id: str) -> Any:
    """The same request each time."""
    return visitor.send("POST", f"/api/v1/flows/{flow_id}/deploy", {}, {"Idempotency-Key": "the same"})
