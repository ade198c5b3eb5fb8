"""One reading of a Core's events for its watchers in all processes: whose turn it is to read, and what the others have read.

Over Redis. A turn is a key that only one can set. Who has read lets the key stand for the pause until the next reading, so
the pause after a failure, or the one that ScaiCore asks for, holds for everybody; who dies in the middle of a reading is
followed by another when the key has gone, after HOLD_SECONDS. Turns go round: who has read last comes last.

What was read goes into a short stream, from which the others take it, each behind the events that it has already. Where that
does not connect (too much at once, a Redis that was away), they read it from ScaiCore themselves when their turn comes, and
the same when they have lived from the readings of others for MOST_BORROWED times: so nobody gets for long what is read with
other people's credentials alone. Events are their owners', so they rest in Redis sealed, and for a minute at most.

Without Redis, and while it is away, every process reads for itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any, Protocol

import structlog
from django.conf import settings
from redis import RedisError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from lookups.tail import Batch
from scaiflow.kit import crypto

log = structlog.get_logger(__name__)
HOLD_SECONDS, GRACE_SECONDS = 3.0, 0.4
MOST_BATCHES, MOST_BATCH_BYTES, KEPT_SECONDS = 32, 1024 * 1024, 60
MOST_BORROWED = 30
AWAY = (RedisError, OSError)


class Turns(Protocol):
    async def wait(self, pause: float, over: asyncio.Event) -> list[Batch]:
        """What others have read; at the latest when a turn may be had, or it is over."""

    async def take(self) -> bool:
        """Whether it is our turn."""

    def held(self) -> Any:
        """`async with`: the turn stays ours for as long as the body runs."""

    async def give(self, pause: float) -> None:
        """The turn to the next, who may begin after so many seconds."""

    async def tell(self, batch: Batch) -> None:
        """What was read here, to the others."""

    async def count(self, *, failed: bool) -> int:
        """How many readings in a row have failed by now, whoever's they were."""

    def hurry(self) -> None:
        """We lack something, so our turn should come soon."""

    async def close(self) -> None: ...


def turns_for(*place: str) -> Turns:
    """`place` is the address, the tenant and the Core: who shares it reads the same log with the same rights of a tenant."""
    return SharedTurns(settings.REDIS_URL, *place) if settings.REDIS_URL else OwnTurns()


class OwnTurns:
    def __init__(self) -> None:
        self._failures = 0

    async def wait(self, pause: float, over: asyncio.Event) -> list[Batch]:
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), pause)
        return []

    async def take(self) -> bool:
        return True

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        yield

    async def give(self, pause: float) -> None:
        pass

    async def tell(self, batch: Batch) -> None:
        pass

    async def count(self, *, failed: bool) -> int:
        self._failures = self._failures + 1 if failed else 0
        return self._failures

    def hurry(self) -> None:
        pass

    async def close(self) -> None:
        pass


class SharedTurns:
    def __init__(self, url: str, *place: str) -> None:
        self._client: Any = Redis.from_url(
            url, socket_timeout=5, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0), protocol=2
        )
        key = f"scaiflow:events:{hashlib.sha256(json.dumps(place).encode()).hexdigest()[:32]}"
        self._turn, self._stream, self._failures = f"{key}:turn", f"{key}:read", f"{key}:failures"
        self._own, self._me = OwnTurns(), secrets.token_bytes(9)
        self._position: bytes | None = None
        self._read_at, self._borrowed = float("-inf"), 0

    async def wait(self, pause: float, over: asyncio.Event) -> list[Batch]:
        try:
            if self._position is None:
                newest = await self._client.xrevrange(self._stream, count=1)
                self._position = newest[0][0] if newest else b"0-0"
            block = max(1, int(1000 * await self._seconds_to_turn()))
            told = await self._client.xread({self._stream: self._position}, block=block)
        except AWAY as error:
            log.warning("component down", component="redis", error=type(error).__name__)
            return await self._own.wait(pause, over)
        return [batch for _, entries in told for batch in self._opened(entries)]

    async def take(self) -> bool:
        try:
            is_ours = bool(await self._client.set(self._turn, self._me, px=_ms(HOLD_SECONDS), nx=True))
        except AWAY:
            is_ours = True
        if is_ours:
            self._read_at, self._borrowed = time.monotonic(), 0
        return is_ours

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    async def give(self, pause: float) -> None:
        with suppress(*AWAY):
            await self._client.set(self._turn, self._me, px=_ms(pause))

    async def tell(self, batch: Batch) -> None:
        sealed = self._sealed(batch)
        with suppress(*AWAY):
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.xadd(self._stream, {b"by": self._me, b"batch": sealed}, maxlen=MOST_BATCHES, approximate=False)
                pipe.expire(self._stream, KEPT_SECONDS)
                await pipe.execute()

    async def count(self, *, failed: bool) -> int:
        try:
            if not failed:
                await self._client.delete(self._failures)
                return 0
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.incr(self._failures).expire(self._failures, 10 * KEPT_SECONDS)
                return int((await pipe.execute())[0])
        except AWAY:
            return await self._own.count(failed=failed)

    def hurry(self) -> None:
        self._read_at = float("-inf")

    async def close(self) -> None:
        await self._client.aclose()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(HOLD_SECONDS / 3)
            with suppress(*AWAY):
                await self._client.set(self._turn, self._me, px=_ms(HOLD_SECONDS))

    async def _seconds_to_turn(self) -> float:
        """Until the key has gone, and a little more, half as much for each interval since we read. No longer than an
        interval: a reading that is going on may end at any time."""
        left = max(0, await self._client.pttl(self._turn)) / 1000
        interval, since = settings.EVENT_POLL_SECONDS, time.monotonic() - self._read_at
        return float(min(left + min(GRACE_SECONDS, interval) * 0.5 ** min(since / interval, 60), interval))

    def _sealed(self, batch: Batch) -> str:
        """Too large a batch is not sent: one behind which nobody can be sends them to read for themselves."""
        sealed = crypto.seal(json.dumps(asdict(batch)), bound_to=self._stream)
        if len(sealed) <= MOST_BATCH_BYTES:
            return sealed
        nothing = Batch(behind=secrets.token_urlsafe(18), bodies=[], cursor=None)
        return crypto.seal(json.dumps(asdict(nothing)), bound_to=self._stream)

    def _opened(self, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> list[Batch]:
        found = []
        for self._position, fields in entries:
            if fields[b"by"] == self._me:
                continue
            self._borrowed += 1
            if self._borrowed > MOST_BORROWED:
                self.hurry()
                break
            try:
                found.append(Batch(**json.loads(crypto.unseal(fields[b"batch"].decode(), bound_to=self._stream))))
            except crypto.CannotUnseal as error:
                log.error("a batch cannot be opened", error=str(error))
                self.hurry()
                break
        return found


def _ms(seconds: float) -> int:
    return max(1, int(1000 * seconds))
