"""The journal of an embedded installation: a file, appended to on the event loop itself, and the database within seconds.

An append is a copy into the system's page cache: it costs 10 to 30 microseconds, a row 150, and a thread to write it as much
again. It outlives the process however that ends; a power failure may take the last moments, which the clients still have.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress

import structlog

from flows.journal_files import LogFile, new_file
from flows.operations.sittings import Sitting
from flows.realtime.journals import DatabaseJournal, Groups, JournalDown, by_flow
from flows.sync import records

# What is in files is read from there as well, so there is no hurry; but no more than that is kept in memory.
BEHIND_SECONDS, HEAVY = 5.0, 1_000_000
log = structlog.get_logger(__name__)


class FileJournal:
    def __init__(self, process: bytes) -> None:
        self._names = (f"{process.decode()}-{number}" for number in itertools.count())
        self._file: LogFile | None = None
        self._groups: Groups = []  # in this file
        self._sealed: list[tuple[LogFile, Groups]] = []  # files that are written no more, and not yet in the database
        self._database = DatabaseJournal()
        self._behind: asyncio.Task[None] | None = None
        self._storing = asyncio.Lock()
        self._is_heavy = asyncio.Event()
        self._weight = 0

    def write_at_once(self, groups: Groups) -> bool:
        try:
            self._file = self._file or new_file(next(self._names))
            self._file.append(records.encode(groups))
        except OSError as error:
            log.error("component down", component="sync log file", error=str(error))
            self._seal()
            self._follow_up()
            return False
        self._groups += groups
        self._weight += sum(len(change) for _, change in groups)
        if self._weight > HEAVY:
            self._is_heavy.set()
        self._follow_up()
        return True

    def _follow_up(self) -> None:
        if self._behind is None or self._behind.done():
            self._behind = asyncio.get_running_loop().create_task(self._write_behind())

    async def write(self, groups: Groups) -> None:
        await self._database.write(groups)

    async def begin(self, flow_id: str, change: bytes, sittings: Sequence[Sitting]) -> None:
        await self._database.begin(flow_id, change, sittings)

    async def bring_in(self) -> None:
        await self._store()

    async def settle(self) -> None:
        while await self._store() and (self._groups or self._sealed):
            pass

    async def _write_behind(self) -> None:
        while self._groups or self._sealed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_heavy.wait(), BEHIND_SECONDS)
            await self._store()
            if self._sealed:  # the database cannot be had now
                await asyncio.sleep(BEHIND_SECONDS)

    async def _store(self) -> bool:
        """Whether the database took it. While it cannot be had, what comes goes on in the file that there is."""
        async with self._storing:
            if not self._sealed:
                self._seal()
            sealed = list(self._sealed)
            try:
                if sealed:
                    await self._database.write(by_flow(group for _, groups in sealed for group in groups))
            except JournalDown:
                return False  # it stays in the files, and is tried again
            for file, _ in sealed:
                del self._sealed[0]
                _remove(file)
            return True

    def _seal(self) -> None:
        if self._file is not None:
            if self._groups:
                self._sealed.append((self._file, self._groups))
            else:
                _remove(self._file)
            self._file, self._groups, self._weight = None, [], 0
            self._is_heavy.clear()


def _remove(file: LogFile) -> None:
    """One that stays is brought in once more by the next process, which changes nothing."""
    try:
        file.remove()
    except OSError as error:
        log.error("component down", component="sync log file", error=str(error))
