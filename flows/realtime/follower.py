"""What happens in other processes, over Redis: updates, and who is there.

The channel only wakes: whatever it says, the stream is read from where we stand. A channel may lose what it is given, so the
streams are also read every two seconds. Who stands before the end of what was taken out of a stream has missed something and
reads the whole document; so does everybody after a lost connection, and adds what is theirs again.
"""

from __future__ import annotations

import asyncio
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from django.db import DatabaseError
from redis import RedisError

from flows.operations.documents import load_document
from flows.realtime.rooms import Room
from flows.realtime.stream_journal import (
    PRESENT,
    PROCESS,
    READ_ALL,
    UPDATE,
    WROTE,
    StreamJournal,
    asynchronous_client,
    channel,
)
from flows.realtime.threads import on_reader
from flows.streams import BEGINNING, dropped_key, log_key, order_of
from flows.sync import awareness
from flows.sync.awareness import Entry
from flows.sync.document import BadUpdate
from flows.sync.protocol import Malformed
from scaiflow.kit import bell

if TYPE_CHECKING:
    from flows.realtime.hub import Hub

log = structlog.get_logger(__name__)
SWEEP_SECONDS = 2.0
BEHIND_SECONDS = 600.0  # after a sleep as long as that also Redis has forgotten what it took away
AT_ONCE = 8  # entries of each stream; one may have as many bytes as a frame
PAUSE_SECONDS = 0.1
GONE_SECONDS = 30.0
STAMP = struct.Struct("!12sd")


def present_key(flow_id: str) -> str:
    return f"scaiflow:sync:{flow_id}:present"


class Follower:
    def __init__(self, hub: Hub, url: str, process: bytes, journal: StreamJournal) -> None:
        self._hub = hub
        self._process = process
        self._journal = journal
        self._url = url
        self._client = asynchronous_client(url)
        self._listener: Any = None
        self._positions: dict[str, str] = {}
        self._heard: dict[tuple[str, bytes], float] = {}
        self._swept_at = float("-inf")
        self._woken: set[str] = set()
        self._call = asyncio.Event()
        journal.on_stored = self.wake
        self._task = asyncio.get_running_loop().create_task(self._follow())

    # --- rooms come and go --------------------------------------------------------------------------------------------

    async def listen(self, flow_id: str) -> None:
        """From here on we are woken; the document may be read now. Without Redis it is found by the next repair."""
        self._positions[flow_id] = BEGINNING
        try:
            if self._listener is not None:
                await self._listener.subscribe(channel(flow_id))
        except (RedisError, OSError):
            return

    async def begin(self, room: Room, position: str) -> None:
        """The room was read up to `position`; what came since woke nobody. Who is there already in other processes?"""
        self._positions[room.flow_id] = position
        self.wake({room.flow_id})
        try:
            found = await self._client.hvals(present_key(room.flow_id))
        except (RedisError, OSError):
            return
        for value in found:
            process, at = STAMP.unpack_from(value)
            if process != self._process and time.time() - at < GONE_SECONDS:
                self._adopt(room, process, value[STAMP.size :])

    def wake(self, flow_ids: set[str]) -> None:
        """There is something in these streams. (Also of our own: to be past it before it is taken away.)"""
        self._woken |= flow_ids
        self._call.set()

    async def forget(self, flow_id: str) -> None:
        self._positions.pop(flow_id, None)
        self._heard = {key: at for key, at in self._heard.items() if key[0] != flow_id}
        try:
            if self._listener is not None:
                await self._listener.unsubscribe(channel(flow_id))
        except (RedisError, OSError):
            return

    # --- who is there -------------------------------------------------------------------------------------------------

    async def announce(self, flow_id: str, entries: list[Entry]) -> None:
        stamp = STAMP.pack(self._process, time.time())
        key = present_key(flow_id)
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for entry in entries:
                    if entry.state is None:
                        pipe.hdel(key, str(entry.client))
                    else:
                        pipe.hset(key, str(entry.client), stamp + awareness.encode([entry]))
                pipe.expire(key, 2 * int(GONE_SECONDS))
                pipe.publish(channel(flow_id), PRESENT + stamp + awareness.encode(entries))
                await pipe.execute()
        except (RedisError, OSError):
            return  # it is told again every ten seconds

    def drop_the_silent(self) -> None:
        """Processes that died without a word take their people with them."""
        long_ago = time.monotonic() - GONE_SECONDS
        for (flow_id, process), at in list(self._heard.items()):
            if at < long_ago:
                del self._heard[flow_id, process]
                room = self._hub.rooms.get(flow_id)
                if room:
                    room.tell_awareness(room.board.leave(process))

    # --- following ----------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except* (RedisError, OSError, DatabaseError) as errors:
                log.error("component down", component="redis", error=repr(errors.exceptions[0]))
            except* Exception:  # what others write is heard for as long as this process lives
                log.exception("bug")
            self._listener = None
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self) -> None:
        client = asynchronous_client(self._url, socket_timeout=None)  # it may be quiet for hours
        async with client, client.pubsub(ignore_subscribe_messages=True) as listener:
            await listener.subscribe(bell.CHANNEL)  # so there is always something to listen to
            self._listener = listener  # from here on rooms that open subscribe themselves
            if self._positions:
                await listener.subscribe(*[channel(flow_id) for flow_id in self._positions])
            await self._repair()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._hear_all(listener))
                both.create_task(self._read_all())

    async def _hear_all(self, listener: Any) -> None:
        async for message in listener.listen():
            self._hear(message)

    async def _read_all(self) -> None:
        """While one reading goes on, what wakes us for the next one gathers."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._call.wait(), SWEEP_SECONDS)
            self._call.clear()
            woken, self._woken = self._woken, set()
            await self._read(woken)

    def _hear(self, message: dict[str, Any]) -> None:
        if message["channel"] == bell.CHANNEL.encode():
            self._hub.on_bell()
        else:
            self._hear_of(message["channel"].decode().split(":")[2], message["data"])

    def _hear_of(self, flow_id: str, data: bytes) -> None:
        room = self._hub.rooms.get(flow_id)
        process = data[1:13]
        if process == self._process or room is None:
            return
        if data[:1] == WROTE:
            self.wake({flow_id})
        elif data[:1] == PRESENT:
            self._adopt(room, process, data[1 + STAMP.size :])

    def _adopt(self, room: Room, process: bytes, body: bytes) -> None:
        self._heard[room.flow_id, process] = time.monotonic()
        try:
            changed = room.board.adopt(process, awareness.decode(body))
        except Malformed:
            return
        if changed:
            room.tell_awareness(changed)

    async def _read(self, woken: set[str]) -> None:
        """What the streams hold since we last looked: of those that we were woken for, or of all when it is time."""
        now = time.monotonic()
        if now - self._swept_at > BEHIND_SECONDS:
            await self._repair()
        if now - self._swept_at > SWEEP_SECONDS:
            woken, self._swept_at = set(self._positions), now
        asked = self._positions_of(woken)
        while asked := await self._read_some(asked):
            pass

    def _positions_of(self, flow_ids: set[str]) -> dict[str, str]:
        """Of those whose rooms are open."""
        return {
            flow_id: self._positions[flow_id] for flow_id in flow_ids & self._positions.keys() & self._hub.rooms.keys()
        }

    async def _read_some(self, asked: dict[str, str]) -> dict[str, str]:
        """Of the streams of these flows, from these positions on. What is left to be asked. How far they were taken away is
        asked after them: what is not there any more was taken away before."""
        if not asked:
            return {}
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.xread({log_key(flow_id): at for flow_id, at in asked.items()}, count=AT_ONCE)
            pipe.mget([dropped_key(flow_id) for flow_id in asked])
            found, dropped = await pipe.execute()
        missed = {flow_id for flow_id, to in zip(asked, dropped, strict=True) if _is_before(asked[flow_id], to)}
        unfinished = set()
        for key, entries in found or []:
            flow_id = key.decode().split(":")[2]
            self._take_in(flow_id, entries)
            if any(READ_ALL in fields and fields[PROCESS] != self._process for _, fields in entries):
                missed.add(flow_id)
            if len(entries) == AT_ONCE:
                unfinished.add(flow_id)
        for flow_id in missed & self._positions.keys():
            await self._read_all_of(flow_id)
        return self._positions_of(unfinished)

    def _take_in(self, flow_id: str, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        room = self._hub.rooms.get(flow_id)
        if room is None or flow_id not in self._positions:
            return
        self._positions[flow_id] = entries[-1][0].decode()
        self._adopt_changes(room, [fields[UPDATE] for _, fields in entries if fields[PROCESS] != self._process])

    def _adopt_changes(self, room: Room, changes: list[bytes]) -> None:
        try:
            room.adopt(changes)
        except BadUpdate as error:
            log.error("bad update from another process", flow=room.flow_id, error=str(error))
        if room.document.is_broken:
            self._hub.give_up(room)
        self._hub.look_how_deep(room)

    async def _repair(self) -> None:
        """Raises RedisError, OSError, DatabaseError."""
        await self._journal.add_again()
        for flow_id in list(self._positions):
            await self._read_all_of(flow_id)
            if room := self._hub.rooms.get(flow_id):
                await self.announce(flow_id, room.board.own_entries())
        self._swept_at = time.monotonic()

    async def _read_all_of(self, flow_id: str) -> None:
        """The whole document, for a room that may have missed something. Raises RedisError, DatabaseError."""
        room = self._hub.rooms.get(flow_id)
        if room is None:
            return
        stored = await on_reader(load_document, flow_id)
        if self._hub.rooms.get(flow_id) is room:
            self._positions[flow_id] = stored.position
            self._adopt_changes(room, [stored.document.since(room.document.vector())])


def _is_before(position: str, dropped: bytes | None) -> bool:
    return dropped is not None and order_of(position) < order_of(dropped.decode())
