"""The journal of an installation with Redis: a stream in front of the database.

A group is in this process's memory until it is a row, and no longer: then only its place in the stream is remembered, to be
taken away there. Should Redis come back without what it had, what is no row yet is added again, and for the rest an entry
that says so: read the database.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import structlog
from redis import RedisError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from flows.operations.sittings import Sitting
from flows.realtime.journals import DatabaseJournal, Groups, JournalDown, by_flow
from flows.realtime.threads import on_reader
from flows.streams import DIRTY, RETAIN_BYTES, RETAIN_SECONDS, drop_from_stream, log_key
from flows.sync.document import NOTHING

log = structlog.get_logger(__name__)
# How long a group, and how much of them, is only in the stream and here; and how much may be while the database is slow.
BEHIND_SECONDS, HEAVY, MOST = 1.0, 1_000_000, 32_000_000
WROTE, PRESENT = b"L", b"A"
# Fields of an entry: the process that wrote it, the update, and whether there is more of it in the database alone.
PROCESS, UPDATE, READ_ALL = b"p", b"u", b"a"
PLAIN: Mapping[bytes, bytes] = MappingProxyType({})


@dataclass(slots=True)
class Kept:
    """A group that this process wrote, and that is no row yet. `id` is where it stands in the stream."""

    flow_id: str
    change: bytes
    id: str


@dataclass(frozen=True, slots=True)
class Streamed:
    """An entry of the stream that is in the database."""

    id: str
    weight: int  # bytes
    stored_at: float


def channel(flow_id: str) -> str:
    return f"scaiflow:sync:{flow_id}:wake"


def asynchronous_client(url: str, *, socket_timeout: float | None = 5) -> Any:
    """Without retries of its own: what was missed while it was away must be looked for."""
    retry = Retry(NoBackoff(), 0)
    return Redis.from_url(url, socket_timeout=socket_timeout, socket_connect_timeout=2, retry=retry, protocol=2)


class StreamJournal:
    def __init__(self, url: str, process: bytes) -> None:
        self._client = asynchronous_client(url)
        self._process = process
        self._tail: list[Kept] = []
        self._weight = 0  # bytes, of the tail
        self._streamed: dict[str, list[Streamed]] = defaultdict(list)
        self._untold: set[str] = set()  # flows of which something was written to the database alone
        self._database = DatabaseJournal()
        self._behind: asyncio.Task[None] | None = None
        self._storing = asyncio.Lock()
        self._is_heavy = asyncio.Event()
        self.on_stored: Callable[[set[str]], None] = lambda flow_ids: None

    def write_at_once(self, groups: Groups) -> bool:
        return False

    async def write(self, groups: Groups) -> None:
        if self._weight > MOST:
            await self._store()
        if self._weight > MOST:
            raise JournalDown  # the database takes nothing in, and memory ends
        try:
            ids = await self._add(groups)
        except (RedisError, OSError) as error:
            log.error("component down", component="redis", error=type(error).__name__)
            await self._database.write(groups)
            self._untold |= {flow_id for flow_id, _ in groups}
        else:
            self._remember(groups, ids)
        self._go_on_behind()

    async def begin(self, flow_id: str, change: bytes, sittings: Sequence[Sitting]) -> None:
        """It is a row before it is in the stream, where it is for the other processes alone."""
        await self._database.begin(flow_id, change, sittings)
        try:
            [entry_id] = await self._add([(flow_id, change)])
        except (RedisError, OSError) as error:
            log.error("component down", component="redis", error=type(error).__name__)
            self._untold.add(flow_id)
        else:
            self._note_streamed([Kept(flow_id, change, entry_id)])
        self._go_on_behind()

    def _go_on_behind(self) -> None:
        if self._behind is None or self._behind.done():
            self._behind = asyncio.get_running_loop().create_task(self._write_behind())

    def _remember(self, groups: Groups, ids: list[str]) -> None:
        for (flow_id, change), entry_id in zip(groups, ids, strict=True):
            self._tail.append(Kept(flow_id, change, entry_id))
            self._weight += len(change)
        if self._weight > HEAVY:
            self._is_heavy.set()

    async def _add(self, groups: Groups, marks: Mapping[bytes, bytes] = PLAIN) -> list[str]:
        """One round trip: entry, dirty mark and wake-up of each group."""
        async with self._client.pipeline(transaction=False) as pipe:
            for flow_id, change in groups:
                pipe.xadd(log_key(flow_id), {PROCESS: self._process, UPDATE: change, **marks})
                pipe.sadd(DIRTY, flow_id)
                pipe.publish(channel(flow_id), WROTE + self._process)
            answers = await pipe.execute()
        return [entry_id.decode() for entry_id in answers[::3]]

    async def add_again(self) -> None:
        """After Redis was away: it may have forgotten. What it still knows it then knows twice, which changes nothing.
        Raises RedisError, OSError."""
        kept = list(self._tail)
        ids = await self._add([(entry.flow_id, entry.change) for entry in kept]) if kept else []
        for entry, entry_id in zip(kept, ids, strict=True):
            entry.id = entry_id
        self._untold |= {flow_id for flow_id, entries in self._streamed.items() if entries}
        await self._tell_of_rows()

    async def _tell_of_rows(self) -> None:
        """That there is more in the database than the streams told of. Raises RedisError, OSError."""
        told, self._untold = sorted(self._untold), set()  # what comes while this is told is told the next time
        if not told:
            return
        try:
            ids = await self._add([(flow_id, NOTHING) for flow_id in told], {READ_ALL: b"1"})
        except BaseException:
            self._untold.update(told)
            raise
        self._note_streamed([Kept(flow_id, NOTHING, entry_id) for flow_id, entry_id in zip(told, ids, strict=True)])

    async def bring_in(self) -> None:
        await self._store()

    async def settle(self) -> None:
        await self._store()

    async def _write_behind(self) -> None:
        while self._tail or self._untold or self._streamed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_heavy.wait(), BEHIND_SECONDS)
            with suppress(RedisError, OSError):
                await self._tell_of_rows()
                await self._take_away()
            if not await self._store():
                await asyncio.sleep(BEHIND_SECONDS)

    async def _store(self) -> bool:
        """Whether the database took it."""
        async with self._storing:
            entries = list(self._tail)
            if not entries:
                return True
            try:
                await self._database.write(by_flow((entry.flow_id, entry.change) for entry in entries))
            except JournalDown:
                return False  # it stays in the stream and in the tail, and is tried again
            del self._tail[: len(entries)]
            self._weight -= sum(len(entry.change) for entry in entries)
            if self._weight <= HEAVY:
                self._is_heavy.clear()
            self._note_streamed(entries)
            self.on_stored({entry.flow_id for entry in entries})
            return True

    def _note_streamed(self, entries: list[Kept]) -> None:
        now = time.monotonic()
        for entry in entries:
            self._streamed[entry.flow_id].append(Streamed(entry.id, len(entry.change), now))

    async def _take_away(self) -> None:
        """Takes out of the stream what is in the database, once it is much or old. Raises RedisError, OSError."""
        long_ago = time.monotonic() - RETAIN_SECONDS - 1
        for flow_id, entries in list(self._streamed.items()):
            if entries[0].stored_at > long_ago and sum(entry.weight for entry in entries) <= RETAIN_BYTES:
                continue
            gone = await on_reader(drop_from_stream, flow_id, [(entry.id, entry.weight) for entry in entries])
            self._streamed[flow_id] = [entry for entry in self._streamed[flow_id] if entry.id not in gone]
            if not self._streamed[flow_id]:
                del self._streamed[flow_id]
