"""A room: one flow's document in this process, the connections that edit it, and who is told what.

What clients write is collected for a few milliseconds, taken into the document with its senders known, so that a bad update
closes who sent it, then written, then told. The document is therefore ahead of the log by the group that is being written;
whatever a client is told waits until that group is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from flows.operations.sittings import Sitting
from flows.realtime.backlog import Backlog
from flows.realtime.bounds import Depth, Size
from flows.realtime.outlets import Wire
from flows.realtime.peers import Peer
from flows.sync import awareness, protocol
from flows.sync.awareness import Board, Entry
from flows.sync.document import (
    EMPTY_VECTOR,
    BadUpdate,
    BadVector,
    Broken,
    Document,
    TooMuchWaits,
    has_structs,
    merged,
    says_something,
)
from flows.sync.nesting import types_in
from flows.sync.protocol import Kind, Malformed
from scaiflow.kit.metrics import SYNC_FRAMES_IN, SYNC_FRAMES_OUT
from scaiflow.kit.ws import MALFORMED, Close

if TYPE_CHECKING:
    from flows.realtime.hub import Hub

# Telling costs as much as there are readers. A room of a hundred is told 30 times a second at most, one of twenty at once.
PAUSE_PER_READER, LONGEST_PAUSE = 0.0003, 0.05  # seconds
MOST_KEPT_BACK = 50  # updates of one connection that had to wait for others; ordinary clients have none
NO_WRITING = "your access to this flow is for reading"


class Group(NamedTuple):
    """What several people wrote within a few milliseconds, merged; and what those are told who asked meanwhile."""

    change: bytes  # empty when it said nothing that was not known
    author: Peer | None  # None when there are several
    answers: list[tuple[Peer, bytes]]
    sittings: list[Sitting]  # of those who write here for the first time since they came


class Room:
    def __init__(self, flow_id: str, document: Document, hub: Hub, backlog: Backlog, types: int = 0) -> None:
        self.flow_id = flow_id
        self.document = document
        self.board = Board()
        self.peers: set[Peer] = set()
        self.backlog = backlog
        self.depth = Depth(types)
        self.size = Size(backlog.weight + backlog.snapshot_weight)
        self.idle_since = 0.0
        self.rests_until = 0.0  # told often enough for now (by the monotonic clock)
        self._hub = hub
        self._collected: list[tuple[Peer, bytes]] = []
        self.is_writing = False
        self._writers: set[str] = set()  # people who are here and whose sitting is in the audit log
        self._asking: list[tuple[Peer, bytes]] = []
        self._full = b""  # the answer to who has nothing yet, until the document changes
        self._hear: dict[Kind, Callable[[Peer, bytes], None]] = {
            Kind.STEP1: self._asked,
            Kind.STEP2: self._answered,
            Kind.UPDATE: self._wrote,
            Kind.AWARENESS: self._announced,
            Kind.QUERY_AWARENESS: self._queried,
            Kind.UNKNOWN: self._passed_over,
        }

    @property
    def is_at_rest(self) -> bool:
        return not (self.peers or self._collected or self.is_writing)

    # --- connections --------------------------------------------------------------------------------------------------

    def enter(self, peer: Peer) -> None:
        self.peers.add(peer)
        peer.on_close = lambda: self.leave(peer)
        self._invite(peer)
        present = self.board.entries()
        if present:
            peer.answer(protocol.awareness(awareness.encode(present)))

    def _invite(self, peer: Peer) -> None:
        """Asks for what the client has and we do not. What is not written yet may be asked for twice."""
        peer.answer(protocol.step1(self.document.vector()))

    def leave(self, peer: Peer) -> None:
        if peer in self.peers:
            self.peers.remove(peer)
            if all(other.principal.sub != peer.principal.sub for other in self.peers):
                self._writers.discard(peer.principal.sub)
            self._hub.left(self, peer)
            self.announce(self.board.leave(peer))

    def promote(self, peer: Peer) -> None:
        """The right to write came while it was here: what was refused before is asked for again."""
        peer.may_write, peer.is_told_denied = True, False
        self._invite(peer)

    def close(self, close: Close) -> None:
        for peer in list(self.peers):
            peer.close(close)

    # --- what clients say ---------------------------------------------------------------------------------------------

    def hear(self, peer: Peer, frame: bytes) -> None:
        """Raises Malformed (also for what is no state vector): that client is to be closed."""
        kind, body = protocol.read(frame)
        SYNC_FRAMES_IN.counts[kind] += 1
        try:
            self._hear[kind](peer, body)
        except (BadUpdate, BadVector) as error:
            raise Malformed(str(error)) from None

    def _asked(self, peer: Peer, vector: bytes) -> None:
        if self._collected or self.is_writing:
            self._asking.append((peer, vector))
        else:
            peer.answer(self._step2(vector))

    def _answered(self, peer: Peer, update: bytes) -> None:
        """A client answers our step1 with all its deletions, also when it has nothing that we lack."""
        if peer.may_write or has_structs(update):
            self._wrote(peer, update)

    def _wrote(self, peer: Peer, update: bytes) -> None:
        if peer.may_write:
            self._collected.append((peer, update))
            self._hub.collect(self)
        else:
            self._refuse(peer, update)

    def _refuse(self, peer: Peer, update: bytes) -> None:
        if says_something(update) and not peer.is_told_denied:
            peer.is_told_denied = True
            peer.answer(protocol.denied(NO_WRITING))
            self._hub.on_refused(self, peer, NO_WRITING)

    def _announced(self, peer: Peer, body: bytes) -> None:
        self.announce(self.board.hear(peer, awareness.decode(body), peer.dress))

    def _queried(self, peer: Peer, _: bytes) -> None:
        peer.answer(protocol.awareness(awareness.encode(self.board.entries())))

    def _passed_over(self, peer: Peer, _: bytes) -> None:
        """Counted above; a newer client may say what we do not know."""

    # --- what clients are told ----------------------------------------------------------------------------------------

    def take_group(self) -> Group:
        """All that was collected, to be written. The answers are computed now, while the document is no further.
        Raises Broken, BadUpdate: then nothing of it may be told."""
        collected, self._collected = self._collected, []
        news = [(peer, told) for peer, update in collected if (told := self._news_in(peer, update))]
        if self.document.is_broken:
            raise Broken(self.flow_id)
        change = merged([update for _, update in news]) if news else b""
        authors = {peer for peer, _ in news}
        asking, self._asking = self._asking, []
        answers = [(peer, answer) for peer, vector in asking if (answer := self._answer_to(peer, vector))]
        self.is_writing = True
        sittings = self._begun_by(authors)
        return Group(change, authors.pop() if len(authors) == 1 else None, answers, sittings)

    def _begun_by(self, authors: set[Peer]) -> list[Sitting]:
        """Who left meanwhile begins anew when they come back."""
        if not [author for author in authors if not author.is_noted]:
            return []
        new = {peer.principal.sub: peer for peer in authors if not self._is_noted(peer)}
        self._writers |= {peer.principal.sub for peer in authors & self.peers}
        for peer in authors:
            peer.is_noted = True
        return [Sitting(sub, peer.request_id) for sub, peer in new.items()]

    def _is_noted(self, peer: Peer) -> bool:
        return peer.is_noted or peer.principal.sub in self._writers

    def _answer_to(self, peer: Peer, vector: bytes) -> bytes:
        """Empty for who asked with no vector at all, and is closed."""
        try:
            return self._step2(vector)
        except BadVector as error:
            peer.close(Close(MALFORMED, str(error)))
            return b""

    def _news_in(self, peer: Peer, update: bytes) -> bytes:
        """What is to be told of it: all, or nothing when it is known or refused (and its sender closed), or what could be
        taken in when the rest would have to wait and may not."""
        types = types_in(update)
        try:
            if refusal := self.depth.refusal(types) or self.size.refusal(update, self.document):
                peer.close(refusal)
                return b""
            news = self._taken_in(peer, update)
        except BadUpdate as error:
            peer.close(Close(MALFORMED, str(error)))
            news = error.taken if isinstance(error, TooMuchWaits) else b""
        if news:
            self._full = b""
            self.size.add(news)
            self.depth.add(types)
        return news

    def _taken_in(self, peer: Peer, update: bytes) -> bytes:
        before = self.document.kept_back
        may_wait = peer.kept_back < MOST_KEPT_BACK and self.document.is_patient
        is_news = self.document.apply(update, may_wait=may_wait)
        peer.kept_back += self.document.kept_back - before
        return update if is_news else b""

    def tell_group(self, group: Group) -> None:
        """The group is written."""
        self.is_writing = False
        if group.change:
            self.backlog.add(group.change)
            self._spread(group.change, author=group.author)
        for peer, message in group.answers:
            peer.answer(message)
        if not self._collected:
            asking, self._asking = self._asking, []
            for peer, vector in asking:
                if answer := self._answer_to(peer, vector):
                    peer.answer(answer)

    def adopt(self, changes: list[bytes]) -> None:
        """What other processes wrote. Raises BadUpdate when one is bad; the others have been taken in and told."""
        news, bad = [], None
        for change in changes:
            try:
                if self.document.apply(change):
                    news.append(change)
            except BadUpdate as error:
                bad = error
        if news:
            self._full = b""
            change = merged(news)
            self.size.add(change)
            self.depth.add(types_in(change))
            self.backlog.add(change)
            self._spread(change, author=None)
        if bad:
            raise bad

    def _spread(self, change: bytes, *, author: Peer | None) -> None:
        pause = min(PAUSE_PER_READER * len(self.peers), LONGEST_PAUSE)
        self.rests_until = time.monotonic() + pause
        wire = Wire(protocol.update(change))
        SYNC_FRAMES_OUT.counts[0] += len(self.peers)
        for peer in list(self.peers):
            if peer is not author:
                peer.tell(wire)

    def _step2(self, vector: bytes) -> bytes:
        if vector != EMPTY_VECTOR:
            return protocol.step2(self.document.since(vector))
        if not self._full:
            self._full = protocol.step2(self.document.since())
        return self._full

    # --- who is there -------------------------------------------------------------------------------------------------

    def announce(self, entries: list[Entry]) -> None:
        """Everybody is told, and who said it too: a client that hears nothing for 30 s thinks that we are gone."""
        if entries:
            self._hub.announce(self, entries)

    def tell_awareness(self, entries: list[Entry]) -> None:
        wire = Wire(protocol.awareness(awareness.encode(entries)))
        SYNC_FRAMES_OUT.counts[0] += len(self.peers)
        for peer in list(self.peers):
            peer.tell(wire)
