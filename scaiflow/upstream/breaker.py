"""A circuit breaker: a host that keeps failing is left alone for a while, then tried with one call.

Our own, because the kept library (pybreaker 1.4) holds its lock during the call and so lets only one through at a time.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable

FAILURES_IN_A_ROW = 5
PAUSE_SECONDS = 10.0


class CircuitBreaker:
    """Closed: every call passes. Open, after `failures` in a row: none does. Half-open, after `pause` seconds: one passes,
    and closes it or opens it again. Safe to use from several threads; the lock is never held during a call."""

    def __init__(
        self,
        *,
        failures: int = FAILURES_IN_A_ROW,
        pause: float = PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures, self._pause, self._clock = failures, pause, clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._shut_until = 0.0

    def lets_through(self) -> bool:
        """Whether a call may be made now. Who is let through must say how it went."""
        with self._lock:
            if self._in_a_row < self._failures:
                return True
            if self._clock() < self._shut_until:
                return False
            self._shut_until = self._clock() + self._pause  # for all but the one who probes
            return True

    def worked(self) -> None:
        with self._lock:
            self._in_a_row = 0

    def failed(self) -> None:
        with self._lock:
            self._in_a_row += 1
            self._shut_until = self._clock() + self._pause


@functools.lru_cache(maxsize=1024)
def breaker_for(host: str) -> CircuitBreaker:
    """The one of this host and port, in this process."""
    return CircuitBreaker()
