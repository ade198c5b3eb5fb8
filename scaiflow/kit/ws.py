"""The one mapping for sockets: every failure becomes a close code here, and nowhere else (for HTTP: kit/api.py).

4400 to 4499 tell a client not to come back with what it has, 4500 to 4599 that it may. (spec: realtime.md, W11)
"""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.http.request import validate_host

from scaiflow.kit.api import component_answer
from scaiflow.kit.errors import AppError
from scaiflow.kit.metrics import SYNC_DROPS

log = structlog.get_logger(__name__)
UNSUPPORTED, MALFORMED, TOO_LARGE, OUR_BUG, TRY_AGAIN = 1003, 1007, 1009, 1011, 1013
NOT_FOUND, FORBIDDEN, UNAVAILABLE = 4404, 4403, 4503
CODES = {401: 4401, 403: FORBIDDEN, 404: NOT_FOUND, 413: TOO_LARGE, 429: 4429, 503: UNAVAILABLE}
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
LONGEST_REASON = 123  # bytes; RFC 6455, 5.5


@dataclass(frozen=True)
class Close:
    code: int
    reason: str

    def __post_init__(self) -> None:
        short = self.reason.encode()[:LONGEST_REASON].decode(errors="ignore")
        object.__setattr__(self, "reason", short)


def close_for(error: BaseException) -> Close:
    """What a socket is told of an error. What is not in the tree is a bug: it is logged, and told without a word."""
    if isinstance(error, AppError):
        return Close(CODES.get(error.status, MALFORMED), error.message)
    if component_answer(error):
        return Close(UNAVAILABLE, "a part of this service does not answer; come back")
    log.error("bug", error=type(error).__name__, trace=traceback.format_tb(error.__traceback__))
    return Close(OUR_BUG, "")


@asynccontextmanager
async def closing_on_errors(send: Send) -> AsyncIterator[None]:
    """Around all that happens on an accepted socket: whatever is raised closes it with the code that tells why."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  the mapping itself, as DRF's exception handler is for HTTP
        close = close_for(error)
        structlog.contextvars.bind_contextvars(code=close.code)
        SYNC_DROPS.labels(str(close.code)).inc()
        await send({"type": "websocket.close", "code": close.code, "reason": close.reason})


def max_frame() -> int:
    return int(settings.MAX_SYNC_BYTES)


def is_foreign(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a page of another site asks: browsers say so in Origin, and would send it our users' cookies or tokens. A
    request without Origin is no page's. Our own pages are those under the host that was asked, if it is one of ours."""
    found = {name.lower(): value.decode("latin-1") for name, value in headers}
    origin = found.get(b"origin")
    if origin is None or origin in settings.CORS_ALLOWED_ORIGINS:
        return False
    host = found.get(b"host", "")
    is_our_host = validate_host(urlsplit(f"//{host}").hostname or "", settings.ALLOWED_HOSTS)
    return urlsplit(origin).netloc != host or not is_our_host
