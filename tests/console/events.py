"""A ScaiGrid with very many events of one Core, told page by page as the real one does: the newest first, with a cursor."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from tests.loopback import Asked, Service, Told

EVENTS = "/v1/modules/scaicore/events"
STEPS = ("start", "greet")


def told_by(run: int, *, at: datetime) -> list[dict[str, Any]]:
    """The ten events of one run, oldest first. Every tenth run fails."""
    run_id, failed = f"exec_{run:04}", run % 10 == 0

    def one(what: str, second: float, **payload: Any) -> dict[str, Any]:
        moment = (at + timedelta(seconds=second)).isoformat()
        body = {"execution_id": run_id, **payload}
        return {"type": f"scaicore.runtime.{what}", "core_id": "core_1", "timestamp": moment, "payload": body}

    found = [one("invocation.started", 0, input={"name": f"Number {run}"}, trigger="api")]
    for index in range(4):
        step = {"path": f"steps[{index}]", "node_id": STEPS[index % 2], "block": "llm_turn"}
        found += [
            one("block.entered", index + 0.1, **step),
            one("block.exited", index + 0.8, **step, result={"n": index}),
        ]
    end = {"error": "no such queue"} if failed else {"output": {"text": "Hello"}}
    return [*found, one("invocation.failed" if failed else "invocation.completed", 4, **end)]


class ManyEvents:
    """`number` runs of ten events each, a minute apart, the last one now. An answer to `Service.on`."""

    def __init__(self, number: int, *, now: datetime, oldest_first: bool = False) -> None:
        runs = (told_by(run, at=now - timedelta(minutes=number - run)) for run in range(1, number + 1))
        oldest = [event for run in runs for event in run]
        self.told = oldest if oldest_first else oldest[::-1]

    def __call__(self, asked: Asked) -> Told:
        query = parse_qs(asked.query)
        begin, limit = int(query.get("cursor", ["0"])[0]), int(query["limit"][0])
        page = self.told[begin : begin + limit]
        following = str(begin + limit) if begin + limit < len(self.told) else None
        return Told(200, {"data": {"events": page, "next_cursor": following}})

    def serve(self, scaigrid: Service) -> ManyEvents:
        scaigrid.on("GET", EVENTS, self)
        return self
