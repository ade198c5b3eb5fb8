"""The gate that every socket passes, as requests pass middleware.py: its id, its trace, and one line of log at its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from scaiflow.kit import tracing
from scaiflow.kit.middleware import fresh_request_id, is_sane

log = structlog.get_logger("scaiflow.socket")


@contextmanager
def passing(scope: dict[str, Any]) -> Iterator[None]:
    """Around all that one socket does. Its `send` and `receive` stay the server's own: bytes may leave past them. The line
    tells `milliseconds` from the upgrade to the end, and `code` where the door closed it (see ws.py)."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    given, started = headers.get("x-request-id", ""), time.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=given if is_sane(given) else fresh_request_id())
    with tracing.span_of_socket(scope["path"], headers):
        try:
            yield
        finally:
            log.info("socket", path=scope["path"], milliseconds=round((time.monotonic() - started) * 1000, 1))
