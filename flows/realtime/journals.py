"""Where write groups go before anybody is told of them.

Embedded, that is a file (file_journal.py); on another database without Redis it is the table of updates. With Redis it is a
stream, from where this process brings its own groups into the table within a second; what it wrote lately it also remembers,
and adds again should Redis come back without it.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from django.db import DatabaseError
from redis import RedisError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from flows.operations.documents import append_updates
from flows.operations.sittings import Sitting, begin_sittings
from flows.realtime.threads import on_reader, on_writer
from flows.streams import DIRTY, RETAIN_SECONDS, drop_from_stream, log_key
from flows.sync.document import merged_in_chunks

log = structlog.get_logger(__name__)
Groups = list[tuple[str, bytes]]
WRITE_BEHIND_SECONDS = 1.0
WROTE, PRESENT = b"L", b"A"


class JournalDown(Exception):
    """The groups could not be written: nobody may be told of them."""


class Journal(Protocol):
    def write_at_once(self, groups: Groups) -> bool:
        """Whether it could be done here and now, without waiting for anybody. If not, `write` does it."""

    async def write(self, groups: Groups) -> None:
        """Raises JournalDown."""

    async def begin(self, flow_id: str, change: bytes, sittings: Sequence[Sitting]) -> None:
        """A group with which people begin to write, straight into the database, with what the audit log is told of them.
        Raises JournalDown."""

    async def settle(self) -> None:
        """Returns when all of it is in the database, or it cannot be had now."""


def by_flow(groups: Iterable[tuple[str, bytes]]) -> Groups:
    """Few groups for each flow, that say what all of its groups say."""
    changes: dict[str, list[bytes]] = defaultdict(list)
    for flow_id, change in groups:
        changes[flow_id].append(change)
    return [(flow_id, change) for flow_id, found in changes.items() for change in merged_in_chunks(found)]


class DatabaseJournal:
    def write_at_once(self, groups: Groups) -> bool:
        return False

    async def write(self, groups: Groups) -> None:
        try:
            await on_writer(append_updates, groups)
        except DatabaseError as error:
            log.error("component down", component="database", error=type(error).__name__)
            raise JournalDown from error

    async def begin(self, flow_id: str, change: bytes, sittings: Sequence[Sitting]) -> None:
        try:
            await on_writer(begin_sittings, flow_id, change, sittings)
        except DatabaseError as error:
            log.error("component down", component="database", error=type(error).__name__)
            raise JournalDown from error

    async def settle(self) -> None:
        """It is there already."""


@dataclass
class Kept:
    """A group that this process wrote. `id` is where it stands in the stream, None when Redis was away."""

    flow_id: str
    change: bytes
    id: str | None
    written_at: float = field(default_factory=time.monotonic)
    is_stored: bool = False


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
        self._database = DatabaseJournal()
        self._behind: asyncio.Task[None] | None = None
        self._storing = asyncio.Lock()

    def write_at_once(self, groups: Groups) -> bool:
        return False

    async def write(self, groups: Groups) -> None:
        await self._put(groups, is_stored=False)

    async def begin(self, flow_id: str, change: bytes, sittings: Sequence[Sitting]) -> None:
        """It is a row before it is in the stream, where it is for the other processes alone."""
        await self._database.begin(flow_id, change, sittings)
        await self._put([(flow_id, change)], is_stored=True)

    async def _put(self, groups: Groups, *, is_stored: bool) -> None:
        ids: list[str | None]
        try:
            ids = [*await self._add(groups)]
        except (RedisError, OSError) as error:
            log.error("component down", component="redis", error=type(error).__name__)
            if not is_stored:
                await self._database.write(groups)
            ids, is_stored = [None] * len(groups), True
        self._tail += [
            Kept(flow_id, change, id, is_stored=is_stored) for (flow_id, change), id in zip(groups, ids, strict=True)
        ]
        if self._behind is None or self._behind.done():
            self._behind = asyncio.get_running_loop().create_task(self._write_behind())

    async def _add(self, groups: Groups) -> list[str]:
        """One round trip: entry, dirty mark and wake-up of each group."""
        async with self._client.pipeline(transaction=False) as pipe:
            for flow_id, change in groups:
                pipe.xadd(log_key(flow_id), {"p": self._process, "u": change})
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
            entry.id, entry.written_at = entry_id, time.monotonic()

    async def settle(self) -> None:
        await self._store()

    async def _write_behind(self) -> None:
        while self._tail:
            await asyncio.sleep(WRITE_BEHIND_SECONDS)
            await self._store()
            await self._forget()

    async def _store(self) -> None:
        async with self._storing:
            entries = [entry for entry in self._tail if not entry.is_stored]
            if not entries:
                return
            try:
                await self._database.write(by_flow((entry.flow_id, entry.change) for entry in entries))
            except JournalDown:
                return  # it stays in the stream and in the tail, and is tried again
            for entry in entries:
                entry.is_stored = True

    async def _forget(self) -> None:
        """Takes out of the stream and the tail what is in the database, once no other process can still be behind it."""
        long_ago = time.monotonic() - RETAIN_SECONDS - 1
        old = [entry for entry in self._tail if entry.is_stored and entry.written_at < long_ago]
        ids: dict[str, list[str]] = defaultdict(list)
        for entry in old:
            ids[entry.flow_id] += [entry.id] if entry.id else []
        try:
            for flow_id, found in ids.items():
                await on_reader(drop_from_stream, flow_id, found)
        except (RedisError, OSError):
            return
        gone = {id(entry) for entry in old}
        self._tail = [entry for entry in self._tail if id(entry) not in gone]
