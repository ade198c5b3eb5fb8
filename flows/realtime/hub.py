"""All rooms of this process: opened, written, told, watched, and put away."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator

import structlog
from django.conf import settings
from django.db import connection

from flows.operations.documents import compact_document, load_document
from flows.realtime.backlog import Backlog
from flows.realtime.file_journal import FileJournal
from flows.realtime.follower import Follower
from flows.realtime.journals import DatabaseJournal, Journal, JournalDown
from flows.realtime.peers import Peer
from flows.realtime.rooms import Group, Room
from flows.realtime.stream_journal import StreamJournal
from flows.realtime.threads import on_compactor, on_reader
from flows.sync.awareness import Entry
from flows.sync.document import BadUpdate
from flows.sync.trial import try_out
from scaiflow.kit import metrics
from scaiflow.kit.ws import OUR_BUG, UNAVAILABLE, Close

log = structlog.get_logger(__name__)
# From one write to the next: what comes meanwhile waits for others; one write and one message then carry them all.
GROUP_SECONDS = 0.015
AWARENESS_SECONDS = 0.02
NOT_WRITTEN = Close(UNAVAILABLE, "what you wrote could not be stored; come back with it")
BROKEN = Close(OUR_BUG, "")


class Hub:
    def __init__(self) -> None:
        self.process = secrets.token_hex(6).encode()
        self.rooms: dict[str, Room] = {}
        self.journal = _journal_of(self.process)
        self.follower = (
            Follower(self, settings.REDIS_URL, self.process, self.journal)
            if isinstance(self.journal, StreamJournal)
            else None
        )
        self.on_left: Callable[[Room, Peer], None] = lambda room, peer: None
        self.on_bell: Callable[[], None] = lambda: None
        self.on_refused: Callable[[Room, Peer, str], None] = lambda room, peer, why: None
        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._collected: dict[Room, None] = {}
        self._writing: asyncio.Task[None] | None = None
        self._wrote_at = 0.0
        self._beginning: set[asyncio.Task[None]] = set()
        self._changed: dict[Room, dict[int, Entry]] = {}
        self._compacting: dict[str, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[None]] = set()
        metrics.SYNC_SOCKETS.set_function(lambda: sum(len(room.peers) for room in self.rooms.values()))
        metrics.SYNC_ROOMS.set_function(lambda: len(self.rooms))
        metrics.SYNC_LOG_LENGTH.set_function(lambda: sum(room.backlog.entries for room in list(self.rooms.values())))
        metrics.SYNC_QUEUED_BYTES.set_function(lambda: sum(peer.outlet.queued() for _, peer in self.everybody()))

    def everybody(self) -> Iterator[tuple[Room, Peer]]:
        for room in list(self.rooms.values()):
            for peer in list(room.peers):
                yield room, peer

    # --- rooms --------------------------------------------------------------------------------------------------------

    async def open(self, flow_id: str) -> Room:
        """The room, with the stored document in it. Between this and what the caller does next nothing else happens, so a
        room that is entered at once is not put away before. Raises DatabaseError, RedisError."""
        while (room := self.rooms.get(flow_id)) is None:
            opening = self._opening.get(flow_id)
            if opening is None:
                opening = self._opening[flow_id] = asyncio.get_running_loop().create_task(self._open(flow_id))
                opening.add_done_callback(lambda _: self._opening.pop(flow_id, None))
            await asyncio.shield(opening)
        return room

    async def _open(self, flow_id: str) -> Room:
        if self.follower:
            await self.follower.listen(flow_id)
        stored = await on_reader(load_document, flow_id)
        backlog = Backlog(stored.entries, stored.weight, stored.snapshot_weight)
        room = Room(flow_id, stored.document, self, backlog, stored.types)
        room.idle_since = time.monotonic()
        self.rooms[flow_id] = room
        if self.follower:
            await self.follower.begin(room, stored.position)
        self.look_how_deep(room)
        return room

    def left(self, room: Room, peer: Peer) -> None:
        room.idle_since = time.monotonic()
        self.on_left(room, peer)

    def put_away_the_idle(self) -> None:
        long_ago = time.monotonic() - settings.SYNC_IDLE_SECONDS
        for room in list(self.rooms.values()):
            if room.is_at_rest and room.idle_since <= long_ago and room not in self._changed:
                self._forget(room)
                if room.backlog.is_due_at_rest:
                    self._compact(room)

    def _forget(self, room: Room) -> None:
        if self.rooms.get(room.flow_id) is room:
            del self.rooms[room.flow_id]
            if self.follower:
                self.spawn(self.follower.forget(room.flow_id))

    def _compact(self, room: Room) -> None:
        """While one is being made, what comes counts for the next."""
        if room.flow_id not in self._compacting:
            room.backlog.empty()
            task = self.spawn(self._compacted(room.flow_id))
            self._compacting[room.flow_id] = task
            task.add_done_callback(lambda _: self._compacting.pop(room.flow_id, None))

    async def _compacted(self, flow_id: str) -> None:
        """What is only in files or in a stream yet becomes rows first: else it would come into the table behind the snapshot
        that has it already, and wait there for the next."""
        await self.journal.bring_in()
        weight = await on_compactor(compact_document, flow_id)
        if weight and (room := self.rooms.get(flow_id)):
            room.backlog.snapshot_weight = weight

    def look_how_deep(self, room: Room) -> None:
        """In another process, when much was put in since the last time."""
        if room.depth.is_due:
            room.depth.begin_trial()
            self.spawn(self._try_out(room))

    async def _try_out(self, room: Room) -> None:
        is_too_deep = True
        try:
            await try_out(room.document.since())
            is_too_deep = False
        except BadUpdate:
            log.error("document nests too deep", flow=room.flow_id)
        finally:
            room.depth.end_trial(is_too_deep=is_too_deep)

    # --- what is written is told --------------------------------------------------------------------------------------

    def collect(self, room: Room) -> None:
        self._collected[room] = None
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())
            self._writing.add_done_callback(self._written)

    async def _write(self) -> None:
        """What comes after a quiet moment is written at once, with all that arrived together with it."""
        while self._collected:
            if (wait := self._wrote_at + GROUP_SECONDS - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self._wrote_at = started = time.monotonic()
            rooms = [room for room in self._collected if room.rests_until <= started and not room.is_writing]
            for room in rooms:
                del self._collected[room]
            groups = [(room, group) for room in rooms if (group := self._taken(room))]
            for room, group in groups:
                if group.sittings:
                    self._begin(room, group)
            if known := [(room, group) for room, group in groups if not group.sittings]:
                await self._put(known)

    async def _put(self, groups: list[tuple[Room, Group]]) -> None:
        started = time.monotonic()
        changes = [(room.flow_id, group.change) for room, group in groups if group.change]
        try:
            if changes and not self.journal.write_at_once(changes):
                await self.journal.write(changes)
        except JournalDown:
            self._give_up([room for room, _ in groups], NOT_WRITTEN)
        else:
            self._tell(groups, started)

    async def _put_first(self, room: Room, group: Group) -> None:
        started = time.monotonic()
        try:
            await self.journal.begin(room.flow_id, group.change, group.sittings)
        except JournalDown:
            self._give_up([room], NOT_WRITTEN)
        else:
            self._tell([(room, group)], started)

    def _begin(self, room: Room, group: Group) -> None:
        """Somebody writes here for the first time since they came. That goes through the database, and takes as long as it
        takes: where nobody begins, nobody waits for it."""
        task = asyncio.get_running_loop().create_task(self._put_first(room, group))
        self._beginning.add(task)
        task.add_done_callback(lambda _: self._begun(room, task))

    def _begun(self, room: Room, task: asyncio.Task[None]) -> None:
        self._beginning.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("bug", exc_info=error)
            self.give_up(room)

    def _tell(self, groups: list[tuple[Room, Group]], started: float) -> None:
        if changes := sum(1 for _, group in groups if group.change):
            metrics.SYNC_WRITE_SECONDS.observe(time.monotonic() - started)
            metrics.SYNC_GROUPS.counts[0] += changes
        for room, group in groups:
            room.tell_group(group)
            if room.backlog.is_due:
                self._compact(room)
            self.look_how_deep(room)

    def _taken(self, room: Room) -> Group | None:
        """A room that breaks is given up, and no other: its people come back to what is stored."""
        try:
            return room.take_group()
        except Exception:  # whatever it is, other rooms have nothing to do with it
            log.exception("room broke", flow=room.flow_id)
            self.give_up(room)
            return None

    def give_up(self, room: Room) -> None:
        self._give_up([room], BROKEN)

    def _written(self, task: asyncio.Task[None]) -> None:
        """A bug in writing must not leave rooms behind that take in what nobody will store."""
        if not task.cancelled() and (error := task.exception()):
            log.error("bug", error=repr(error))
            self._give_up(list(self.rooms.values()), BROKEN)

    def _give_up(self, rooms: list[Room], close: Close) -> None:
        """These documents are ahead of what is stored, and have told nobody. Their people have it and bring it again."""
        for room in rooms:
            self._collected.pop(room, None)
            self._forget(room)
            room.close(close)

    # --- who is there -------------------------------------------------------------------------------------------------

    def announce(self, room: Room, entries: list[Entry]) -> None:
        """Told a little later, with what else changes until then: pointers move far more often than anybody can see."""
        if not self._changed:
            asyncio.get_running_loop().call_later(AWARENESS_SECONDS, self._tell_changes)
        changed = self._changed.setdefault(room, {})
        for entry in entries:
            changed[entry.client] = entry

    def _tell_changes(self) -> None:
        changed, self._changed = self._changed, {}
        for room, entries in changed.items():
            room.tell_awareness(list(entries.values()))
            if self.follower:
                self.spawn(self.follower.announce(room.flow_id, list(entries.values())))

    # --- the end ------------------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Returns when everything that was heard is stored."""
        while self._beginning or (self._writing and not self._writing.done()):
            await asyncio.wait([*self._beginning, *([self._writing] if self._writing else [])])
        await self.journal.settle()
        while self._background:
            await asyncio.wait(self._background)

    def spawn(self, work: object) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]
        self._background.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("background work failed", error=repr(error))


def _journal_of(process: bytes) -> Journal:
    if settings.REDIS_URL:
        return StreamJournal(settings.REDIS_URL, process)
    return FileJournal(process) if connection.vendor == "sqlite" else DatabaseJournal()
