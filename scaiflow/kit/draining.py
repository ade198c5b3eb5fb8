"""Leaving in good order: on SIGTERM this process first says that it is not ready, then lets go of what it holds, then ends.

A server of its own kind (uvicorn, daphne) handles the signal. Ours comes first, and passes it on when the work is done; a
second signal is passed on at once.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Drain:
    def __init__(self) -> None:
        self.has_begun = False
        self._before: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: Callable[[], Awaitable[None]] | None = None

    def arrange(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` on the running loop between SIGTERM and the end. Where the signal is not ours to take (a loop on
        another thread), nothing is arranged."""
        if self._loop is not None or threading.current_thread() is not threading.main_thread():
            return
        self._loop, self._work = asyncio.get_running_loop(), work
        self._before = signal.signal(signal.SIGTERM, self._asked)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if self.has_begun or self._loop is None or not self._loop.is_running():
            self._pass_on(number, frame)
            return
        self.has_begun = True
        self._loop.call_soon_threadsafe(self._begin, number)

    def _begin(self, number: int) -> None:
        if self._loop is not None:
            self._running = self._loop.create_task(self._drain(number))

    async def _drain(self, number: int) -> None:
        log.info("draining")
        try:
            if self._work:
                await self._work()
        finally:
            log.info("drained")
            self._pass_on(number, None)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if callable(self._before):
            self._before(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)


DRAIN = Drain()
