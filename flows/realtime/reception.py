"""Letting people in and seeing them out: the door, the limits, access that is looked at again, and the process's end."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import time
from collections import defaultdict
from collections.abc import Awaitable
from contextlib import suppress

import structlog
from django.conf import settings
from django.db import DatabaseError
from redis import RedisError

from flows.realtime.admission import Admission, admit, admit_again, note_refused
from flows.realtime.attendance import Attendance
from flows.realtime.hub import Hub
from flows.realtime.outlets import Outlet, Wire
from flows.realtime.peers import Peer
from flows.realtime.places import Place, place_for, places
from flows.realtime.rooms import Room
from flows.realtime.threads import on_reader
from flows.realtime.watch import Watch
from flows.sync import awareness, protocol
from scaiflow.kit import bell
from scaiflow.kit.draining import DRAIN
from scaiflow.kit.errors import AppError, Unauthenticated, Unavailable
from scaiflow.kit.ws import UNAVAILABLE, Close, close_for

log = structlog.get_logger(__name__)
TICK_SECONDS = 1.0
BREATH_SECONDS = 0.05  # from a ring of the bell to looking: changes often come several at once
RENEW_SECONDS = 10.0
WAVES = 20
LEAVING = Close(UNAVAILABLE, "this server is about to end; come back")
# Awareness of nobody: says nothing, and keeps a client that has heard nothing for a while from giving us up.
STILL_HERE = Wire(protocol.awareness(awareness.encode([])))


class Reception:
    def __init__(self) -> None:
        self.hub = Hub()
        self.hub.on_left = self._left
        self.hub.on_refused = self._refused
        self._places = places()
        self._held: dict[Peer, Place] = {}
        # Let in by what was so before their document was read: to be looked at in any case.
        self._new: set[Peer] = set()
        self._watch = Watch()
        self._attendance = Attendance(self.hub)
        self._loop = asyncio.get_running_loop()
        self._called = asyncio.Event()
        self.hub.on_bell = self._called.set
        bell.listen(self._call)
        self._always = [self._loop.create_task(self._tick()), self._loop.create_task(self._renew_always())]
        DRAIN.arrange(self._drain)

    async def let_in(self, outlet: Outlet, *, token: str, flow_id: str) -> tuple[Room, Peer]:
        """Raises Unauthenticated, NotAllowed, NotFound, TooMany, Unavailable, DatabaseError."""
        admission = await on_reader(admit, token, flow_id)
        structlog.contextvars.bind_contextvars(principal=admission.principal.sub, tenant=admission.principal.tenant_id)
        expires_at = admission.principal.expires_at
        if expires_at is not None and expires_at <= time.time():
            raise Unauthenticated("the access token has expired")
        place = place_for(flow_id, admission.principal)
        await on_reader(self._places.take, place)
        try:
            room = await self.hub.open(flow_id)
            if DRAIN.has_begun:
                raise Unavailable(LEAVING.reason, component="process")
            peer = Peer(outlet=outlet, principal=admission.principal, may_write=admission.may_write)
            self._enter(room, peer, place)
        except BaseException:
            self.hub.spawn(on_reader(self._places.give_back, place))
            raise
        self._attendance.note([(room, peer)])
        return room, peer

    def _enter(self, room: Room, peer: Peer, place: Place) -> None:
        self._held[peer] = place
        self._new.add(peer)
        try:
            room.enter(peer)
        except BaseException:
            del self._held[peer]
            self._new.discard(peer)
            room.peers.discard(peer)
            raise

    def _left(self, room: Room, peer: Peer) -> None:
        self._new.discard(peer)
        self._attendance.note([(room, peer)])
        if place := self._held.pop(peer, None):
            self.hub.spawn(on_reader(self._places.give_back, place))

    def _refused(self, room: Room, peer: Peer, why: str) -> None:
        self.hub.spawn(on_reader(note_refused, peer.principal, room.flow_id, why))

    # --- again and again ----------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        """Once a second, and at once when the bell rings or somebody's token runs out."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), self._pause())
                await asyncio.sleep(BREATH_SECONDS)
            self._called.clear()
            await _unharmed(self._look_around())

    def _pause(self) -> float:
        """Seconds until there is something to do."""
        ends = [peer.expires_at - time.time() for _, peer in self.hub.everybody() if peer.expires_at is not None]
        return max(0.0, min([TICK_SECONDS, *ends]))

    def _call(self) -> None:
        """From any thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._called.set)

    async def _look_around(self) -> None:
        self._close_the_expired()
        self.hub.put_away_the_idle()
        people = list(self.hub.everybody())
        if people:
            await self._check_access(people)

    async def _renew_always(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await _unharmed(self._renew())

    async def _renew(self) -> None:
        people = list(self.hub.everybody())
        self._speak_to_the_silent(people)
        self._attendance.note(people)
        held = dict(self._held)
        await on_reader(self._renew_places, list(held.values()))
        for peer in held.keys() - self._held.keys():  # it may have been given back before it was renewed
            await on_reader(self._places.give_back, held[peer])
        await self._announce_again()

    def _renew_places(self, held: list[Place]) -> None:
        for place in held:
            self._places.renew(place)

    def _close_the_expired(self) -> None:
        now = time.time()
        for _, peer in self.hub.everybody():
            if peer.expires_at is not None and peer.expires_at <= now:
                peer.close(close_for(Unauthenticated("the access token has expired")))

    def _speak_to_the_silent(self, people: list[tuple[Room, Peer]]) -> None:
        for _, peer in people:
            if not peer.has_spoken:
                peer.tell(STILL_HERE)
            peer.has_spoken = False

    async def _announce_again(self) -> None:
        if self.hub.follower:
            self.hub.follower.drop_the_silent()
            for room in list(self.hub.rooms.values()):
                if own := room.board.own_entries():
                    await self.hub.follower.announce(room.flow_id, own)

    async def _check_access(self, people: list[tuple[Room, Peer]]) -> None:
        flow_ids = sorted({room.flow_id for room, _ in people})
        user_ids = sorted({peer.principal.sub for _, peer in people})
        new, self._new = self._new, set()
        moved, now_stands = await on_reader(self._watch.moved, flow_ids, user_ids)
        concerned: dict[tuple[str, str, bool], list[tuple[Room, Peer]]] = defaultdict(list)
        for room, peer in people:
            if peer in new or ("flow", room.flow_id) in moved or ("user", peer.principal.sub) in moved:
                concerned[peer.principal.token or "", room.flow_id, peer.may_write].append((room, peer))
        for (token, flow_id, may_write), found in concerned.items():
            now = await on_reader(admit_again, token, flow_id, may_write=may_write)
            for room, peer in found:
                _apply(now, room, peer)
        self._watch.keep(now_stands)

    # --- the end ------------------------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Readiness is down already. People are sent away in waves, so that they do not all come to the next at once."""
        pause = settings.SYNC_DRAIN_SECONDS / (WAVES + 4)
        await asyncio.sleep(4 * pause)
        people = [peer for _, peer in self.hub.everybody()]
        size = max(1, -(-len(people) // WAVES))
        for at in range(0, len(people), size):
            for peer in people[at : at + size]:
                peer.close(LEAVING)
            await asyncio.sleep(pause)
        await self.hub.settle()


def _apply(now: Admission | AppError, room: Room, peer: Peer) -> None:
    if isinstance(now, AppError):
        peer.close(close_for(now))
    elif now.may_write and not peer.may_write:
        room.promote(peer)


async def _unharmed(work: Awaitable[None]) -> None:
    """Whatever is down, or wrong, it is tried again the next time."""
    try:
        await work
    except (DatabaseError, RedisError, OSError) as error:
        log.error("component down", component="database", error=type(error).__name__)
    except Exception:  # who is let in is looked at for as long as this process lives
        log.exception("bug")


@functools.cache
def reception() -> Reception:
    """One a process. First called on the event loop that serves the sockets, by whoever comes first: what it goes on doing
    by itself is not said in the name of their request."""
    return contextvars.Context().run(Reception)
