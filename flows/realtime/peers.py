"""One connection in a room: who it is, what it may, and its way out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings

from flows.realtime.outlets import GRACE_SECONDS, Outlet, Wire
from flows.sync.awareness import State
from scaiflow.kit.metrics import SYNC_DROPS
from scaiflow.kit.ws import TRY_AGAIN, Close
from tenants.principals import Principal

TOO_SLOW = Close(TRY_AGAIN, "you do not read what is sent; come back")
# What a client chooses itself in how others see it. Who it is, the token says.
LOOKS = ("color", "colorLight")


class Peer:
    __slots__ = (
        "_bound", "_closer", "_slack", "closing", "expires_at", "has_spoken", "is_noted", "is_told_denied",
        "kept_back", "may_write", "on_close", "outlet", "principal", "request_id",
    )  # fmt: skip

    def __init__(self, *, outlet: Outlet, principal: Principal, may_write: bool) -> None:
        self.outlet = outlet
        self.principal = principal
        self.request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
        self.may_write = may_write
        self.expires_at = principal.expires_at
        self.closing: Close | None = None
        self.on_close: Callable[[], None] = _nothing
        self.is_told_denied = False
        self.kept_back = 0  # updates of its that had to wait for others
        self.is_noted = False  # that it writes here stands in the audit log
        self.has_spoken = True
        self._bound = int(settings.SYNC_QUEUE_BYTES)  # looked up once: it is asked for at every message
        self._slack = 0
        self._closer: asyncio.Task[None] | None = None

    def tell(self, wire: Wire) -> None:
        """For what everybody is told. Who has too much waiting already is closed, and loses nothing: it asks again. What
        counts is what waited before this message, so that a large one harms nobody who reads."""
        if self.closing is not None:
            return
        self.has_spoken = True
        bound = self._bound + self._slack
        waited = self.outlet.push(wire, bound=bound)
        if waited > bound:
            self.close(TOO_SLOW)
        elif self._slack and waited <= self._bound:
            self._slack = 0

    def answer(self, message: bytes) -> None:
        """For what this connection asked for. It may be larger than the queue; but who asks must also read."""
        if self.closing is not None:
            return
        self.has_spoken = True
        if self.outlet.push(Wire(message), bound=self._bound) > self._bound:
            self.close(TOO_SLOW)
        else:
            self._slack += len(message)

    def close(self, close: Close) -> None:
        """Out of the room at once; the other side is told when it can be, and cut off if it will not listen."""
        if self.closing is not None:
            return
        self.closing = close
        SYNC_DROPS.labels(str(close.code)).inc()
        self.on_close()
        loop = asyncio.get_running_loop()
        self._closer = loop.create_task(self._say_goodbye(close))

    async def _say_goodbye(self, close: Close) -> None:
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await self.outlet.close(close)
        except (TimeoutError, OSError, RuntimeError):  # servers raise the last two for who is gone already
            self.outlet.abort()

    def dress(self, state: State) -> State:
        """The user in an awareness state is the one of the token, whatever the client says."""
        given = state.get("user")
        looks: dict[str, Any] = (
            {name: given[name] for name in LOOKS if name in given} if isinstance(given, dict) else {}
        )
        return {**state, "user": looks | self.identity()}

    def identity(self) -> dict[str, str]:
        """Under both spellings: `name` is what editors show, the other two what presence tells over HTTP."""
        name = self.principal.display_name or self.principal.email or self.principal.sub
        return {"id": self.principal.sub, "name": name, "user_id": self.principal.sub, "display_name": name}


def _nothing() -> None:
    """Nobody to tell yet."""
