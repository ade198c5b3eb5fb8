"""The stream of one Core's events: opened with the caller's own credential, looked after while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
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


async def told(opening: Opening) -> AsyncIterator[bytes]:
    """The stream's bytes. It ends with a message that says why: access lost, token expired, ScaiCore refuses, the reader
    is too slow, or 8 MiB were told (servers hold back without limit what a reader does not take)."""
    core = opening.core
    yield sse.RETRY.text
    try:
        async with watching(
            core.credential, tenant_id=core.tenant_id, core_id=core.id,
            first=opening.first, last_id=opening.last_id, limit=opening.limit,
        ) as watch:  # fmt: skip
            async for message in _messages(watch, opening):
                yield message.text
    except (AppError, PassedThrough) as error:
        yield _end_of(error).text


async def _messages(watch: Watch, opening: Opening) -> AsyncIterator[sse.Message]:
    now = asyncio.get_running_loop().time
    look_again, told_bytes = 0.0, 0
    while told_bytes < MOST_BYTES:
        if now() >= look_again:
            # At once too: it gives back the database connection of the request, which else stays open with the stream.
            await database_sync_to_async(check_again)(opening)
            look_again = now() + settings.EVENT_RECHECK_SECONDS
        message = await _next(watch, min(settings.EVENT_HEARTBEAT_SECONDS, look_again - now()))
        yield message
        if message.is_last:
            return
        told_bytes += len(message.text)
    yield RENEW


async def _next(watch: Watch, seconds: float) -> sse.Message:
    try:
        return await asyncio.wait_for(watch.waiting.get(), max(seconds, 0.001))
    except TimeoutError:
        return sse.HEARTBEAT


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
