"""The stream of one Core's events: opened with the caller's own credential, looked after while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError

from flows.roles import Level
from lookups import sse
from lookups.failures import told_as
from lookups.hub import PER_PAGE, Watch, watching
from lookups.operations.cores import Core, core_for
from scaiflow.kit.errors import AppError, Failure, NotAllowed, PassedThrough
from scaiflow.kit.rights import VIEW
from scaiflow.upstream import scaicore
from scaiflow.upstream.pages import Page
from tenants.authentication import principal_again
from tenants.principals import Principal

MOST_BYTES = 8 * 1024 * 1024
RENEW = sse.end("renew", "this stream has told enough; come back with Last-Event-ID")


@dataclass(frozen=True)
class Opening:
    """A stream that may begin. `first` is the page that the caller's own credential was given."""

    by: Principal
    core: Core
    first: Page
    last_id: str | None
    limit: int


def open_stream(*, by: Principal, core_id: str, last_id: str | None, limit: int) -> Opening:
    """What would be refused is refused here, with a status. Raises NotFound, NotAllowed, MissingCredentials,
    ServiceRefused, ServiceFailed, PassedThrough."""
    core = core_for(by, core_id, level=Level.VIEW)
    with told_as("scaicore", needs="scaicore:view"):
        first = scaicore.list_events(**core.at, core_id=core_id, limit=PER_PAGE, cursor=None)
    return Opening(by, core, first, last_id, limit)


class Stream:
    """The bytes of `told`, for a response. Django closes only the outermost of its own wrappers around them; by `close`,
    which it calls too, the watcher is gone when the response is, and not when the memory is tidied up."""

    def __init__(self, opening: Opening) -> None:
        self._bytes = told(opening)
        self._loop: asyncio.AbstractEventLoop | None = None

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> bytes:
        self._loop = asyncio.get_running_loop()
        return await anext(self._bytes)

    def close(self) -> None:
        """Called from any thread, when nobody iterates any more."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self._bytes.aclose()))


async def told(opening: Opening) -> AsyncGenerator[bytes]:
    """The stream's bytes. It ends with a message that says why: access lost, token expired, ScaiCore refuses, the reader
    is too slow, or 8 MiB were told (servers hold back without limit what a reader does not take)."""
    core = opening.core
    try:
        async with watching(
            core.credential, tenant_id=core.tenant_id, core_id=core.id,
            first=opening.first, last_id=opening.last_id, limit=opening.limit,
        ) as watch, aclosing(_messages(watch, opening)) as messages:  # fmt: skip
            yield sse.RETRY.text
            async for message in messages:
                yield message.text
    except (AppError, PassedThrough) as error:
        yield _end_of(error).text


async def _messages(watch: Watch, opening: Opening) -> AsyncGenerator[sse.Message]:
    now = asyncio.get_running_loop().time
    check_at, sign_at, told_bytes = 0.0, now() + settings.EVENT_HEARTBEAT_SECONDS, 0
    while told_bytes < MOST_BYTES:
        if now() >= check_at:
            # At once too: it gives back the database connection of the request, which else stays open with the stream.
            await database_sync_to_async(check_again)(opening)
            check_at = now() + settings.EVENT_RECHECK_SECONDS
        message = await watch.take(min(sign_at, check_at) - now())
        if message is None and now() < sign_at:
            continue
        message = message or sse.HEARTBEAT
        yield message
        if message.is_last:
            return
        sign_at, told_bytes = now() + settings.EVENT_HEARTBEAT_SECONDS, told_bytes + len(message.text)
    yield RENEW


def check_again(opening: Opening) -> None:
    """Everything that let the caller in, as of now. Raises AppError."""
    try:
        caller = principal_again(opening.by)
        if not caller.may(VIEW):
            raise NotAllowed(f"permission '{VIEW}' is missing")
        core = core_for(caller, opening.core.id, level=Level.VIEW)
    except DatabaseError:
        raise Failure("the right to look cannot be checked now") from None
    if core.credential != opening.core.credential:
        raise Failure("the credential for ScaiGrid has changed; come back with Last-Event-ID")


def _end_of(error: AppError) -> sse.Message:
    detail: Any = error.detail
    if isinstance(detail, dict):
        return sse.end(detail.pop("error"), detail.pop("message"), detail)
    return sse.end({401: "unauthenticated", 429: "rate_limited"}.get(error.status, "no_access"), error.message)
