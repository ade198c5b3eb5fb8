"""A ScaiCore that has a log of events, on loopback; and a reader of server-sent events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

from tests.loopback import Asked, Service, Told

ROAD = "/v1/modules/scaicore/events"
PATIENCE = 60.0  # seconds after which a test is taken to hang


class EventLog:
    """`add(3)` lets three events happen. Pages begin with the newest event, or with `oldest_first` with the oldest."""

    def __init__(self, service: Service, *, oldest_first: bool = False, with_ids: bool = True) -> None:
        self.events: list[dict[str, Any]] = []
        self.oldest_first, self.with_ids = oldest_first, with_ids
        self.refused: dict[str, Told] = {}
        self.refusals = 0
        self.service = service.on("GET", ROAD, self.answer)

    def add(self, count: int = 1, **payload: Any) -> None:
        for _ in range(count):
            number = len(self.events)
            at = f"2026-11-25T10:{number // 60:02}:{number % 60:02}.000Z"
            event = {"type": "scaicore.runtime.block.entered", "timestamp": at, "payload": {"n": number, **payload}}
            self.events.append({"id": f"evt_{number}", **event} if self.with_ids else event)

    def answer(self, asked: Asked) -> Told:
        token = asked.headers["Authorization"].removeprefix("Bearer ")
        if refusal := self.refused.get(token):
            self.refusals += 1
            return refusal
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        start, limit = int(query.get("cursor", 0)), int(query["limit"])
        ordered = self.events if self.oldest_first else self.events[::-1]
        page = ordered[start : start + limit]
        more = len(ordered) > start + limit
        return Told(200, {"data": {"events": page, "next_cursor": str(start + limit) if more else None}})

    @property
    def tokens(self) -> list[str]:
        """Who asked, in turn."""
        return [asked.headers["Authorization"].removeprefix("Bearer ") for asked in self.service.asked]


class Reader:
    """Frames of an event stream: `{"id", "event", "data"}`, comments and the retry time left out unless wanted."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self.chunks = chunks
        self.comments = 0
        self.buffer = b""

    async def frame(self) -> dict[str, Any]:
        """The next one. Raises StopAsyncIteration at the end, TimeoutError when it hangs, also when there were signs of
        life meanwhile."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            while b"\n\n" not in self.buffer:
                self.buffer += await asyncio.wait_for(anext(self.chunks), PATIENCE)
            text, _, self.buffer = self.buffer.partition(b"\n\n")
            if text.startswith(b":"):
                self.comments += 1
                if self.comments == 3:
                    return {"comment": text.decode()}
                continue
            fields = dict(line.split(": ", 1) for line in text.decode().split("\n"))
            if "data" in fields:
                return {**fields, "data": json.loads(fields["data"])}
        raise TimeoutError

    async def numbers(self, count: int) -> list[int]:
        """The numbers of the next events, all of which must be events."""
        frames = [await self.frame() for _ in range(count)]
        return [frame["data"]["payload"]["n"] for frame in frames]

    async def last(self) -> dict[str, Any]:
        """The frame that says why it is over; behind it nothing comes."""
        while "event" not in (frame := await self.frame()) or frame["event"] != "end":
            pass
        try:
            await self.frame()
        except StopAsyncIteration:
            return dict(frame["data"])
        raise AssertionError("something came behind the end")
