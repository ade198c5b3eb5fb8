"""Where write groups go before anybody is told of them.

Embedded, that is a file (file_journal.py); on another database without Redis it is the table of updates. With Redis it is a
stream (stream_journal.py), from where this process brings its own groups into the table within a second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

import structlog
from django.db import DatabaseError

from flows.operations.documents import append_updates
from flows.operations.sittings import Sitting, begin_sittings
from flows.realtime.threads import on_writer
from flows.sync.document import merged_in_chunks

log = structlog.get_logger(__name__)
Groups = list[tuple[str, bytes]]


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

    async def bring_in(self) -> None:
        """What was written until now is brought into the database, if that can be had."""

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

    async def bring_in(self) -> None:
        """It is there already."""

    async def settle(self) -> None:
        """Likewise."""
