"""Awareness: who is there, what they point at, and which client id is whose (yjs/y-protocols awareness.js).

A client announces one id. It belongs to the connection that used it first, until that one leaves. Real clients re-send what
they hear of others; such an echo claims nothing, because a connection's own id is the first that it announces, and stays it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from flows.sync.protocol import Malformed, read_bytes, read_uint, write_bytes, write_uint

State = dict[str, Any]
MOST_LEFT = 1000
MOST_CLOCK = 2**52  # half of what can be written: we count on from what a client says


@dataclass(frozen=True, slots=True)
class Entry:
    """`state` is null for one who leaves. The clock grows with every change of that client."""

    client: int
    clock: int
    state: State | None


@dataclass(slots=True)
class Seen:
    owner: Hashable
    entry: Entry


def decode(body: bytes) -> list[Entry]:
    """Raises Malformed, also for a state that is neither an object nor null."""
    count, at = read_uint(body, 0)
    entries = []
    for _ in range(count):
        client, at = read_uint(body, at)
        clock, at = read_uint(body, at)
        text, at = read_bytes(body, at)
        if clock > MOST_CLOCK:
            raise Malformed("an awareness clock is too large")
        entries.append(Entry(client, clock, _state(text)))
    if at != len(body):
        raise Malformed("something follows the end of the awareness")
    return entries


def _state(text: bytes) -> State | None:
    try:
        state = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Malformed("an awareness state is not JSON") from None
    if state is None:
        return None
    if not isinstance(state, dict):
        raise Malformed("an awareness state is not an object")
    try:
        orjson.dumps(state)  # it reads deeper lists than it writes
    except orjson.JSONEncodeError:
        raise Malformed("an awareness state nests too deep") from None
    return state


def encode(entries: Iterable[Entry]) -> bytes:
    parts = [
        write_uint(entry.client) + write_uint(entry.clock) + write_bytes(orjson.dumps(entry.state)) for entry in entries
    ]
    return write_uint(len(parts)) + b"".join(parts)


Dress = Callable[[State], State]


class Board:
    """Who is present in one room. Owners are connections of this process, or the names of other processes."""

    def __init__(self) -> None:
        self._seen: dict[int, Seen] = {}
        self._own_id: dict[Hashable, int] = {}
        # Clocks of those who left: peers do not hear one who returns with a clock that they know.
        self._left: dict[int, int] = {}
        # First words about an id that somebody else still holds: mostly a client whose cut connection has not been noticed.
        self._heirs: dict[int, tuple[Hashable, Entry, Dress]] = {}

    def entries(self) -> list[Entry]:
        return [seen.entry for seen in self._seen.values()]

    def entries_of(self, owner: Hashable) -> list[Entry]:
        return [seen.entry for seen in self._seen.values() if seen.owner == owner]

    def own_entries(self) -> list[Entry]:
        """Of the connections of this process."""
        return [seen.entry for seen in self._seen.values() if seen.owner in self._own_id]

    def hear(self, owner: Hashable, entries: Iterable[Entry], dress: Dress) -> list[Entry]:
        """What changes by a connection's word, as it is to be told. `dress` puts on each state what the server knows of
        the person; everything about other clients' ids is passed over."""
        told = [self._hear(owner, entry, dress) for entry in entries if self._is_own(owner, entry, dress)]
        return self._with_heirs([entry for entry in told if entry])

    def adopt(self, process: Hashable, entries: Iterable[Entry]) -> list[Entry]:
        """What changes by another process's word. An id that a connection of ours holds stays ours."""
        changed = []
        for entry in entries:
            seen = self._seen.get(entry.client)
            if seen is None:
                is_news = entry.state is not None
            elif entry.state is None:
                is_news = seen.owner == process
            else:
                is_news = seen.owner not in self._own_id and entry.clock > seen.entry.clock
            if is_news:
                self._set(process, entry)
                changed.append(entry)
        return self._with_heirs(changed)

    def leave(self, owner: Hashable) -> list[Entry]:
        """What is to be told when a connection or a whole process is gone."""
        self._own_id.pop(owner, None)
        self._heirs = {client: heir for client, heir in self._heirs.items() if heir[0] != owner}
        gone = [Entry(entry.client, entry.clock + 1, None) for entry in self.entries_of(owner)]
        for entry in gone:
            self._set(owner, entry)
        return self._with_heirs(gone)

    def _is_own(self, owner: Hashable, entry: Entry, dress: Dress) -> bool:
        """Claims the id for a connection that has none yet, if it is free."""
        own, seen = self._own_id.get(owner), self._seen.get(entry.client)
        if own is None and entry.state is not None:
            if seen:
                self._heirs[entry.client] = (owner, entry, dress)
                return False
            self._own_id[owner] = own = entry.client
        return own == entry.client and (seen is None or seen.owner == owner)

    def _hear(self, owner: Hashable, entry: Entry, dress: Dress) -> Entry | None:
        seen = self._seen.get(entry.client)
        state = None if entry.state is None else dress(entry.state)
        if seen is None and state is None:
            return None
        # Clients begin with clock 0, and do not listen to one: without this a newcomer is unseen until they renew.
        last = seen.entry.clock if seen else self._left.get(entry.client, 0)
        if seen and entry.clock == last and state == seen.entry.state:
            return None  # our own echo, sent back
        # A returning client may begin with a clock that its peers have heard already; they would not listen.
        heard = Entry(entry.client, max(entry.clock, last + 1), state)
        self._set(owner, heard)
        return heard

    def _with_heirs(self, changed: list[Entry]) -> list[Entry]:
        """An id that has become free goes to the connection that asked for it meanwhile."""
        if not self._heirs:
            return changed
        freed = [entry.client for entry in changed if entry.state is None]
        heirs = [self._heirs.pop(client) for client in freed if client in self._heirs]
        came = [self._hear(owner, entry, dress) for owner, entry, dress in heirs if self._is_own(owner, entry, dress)]
        return changed + [entry for entry in came if entry]

    def _set(self, owner: Hashable, entry: Entry) -> None:
        if entry.state is not None:
            self._seen[entry.client] = Seen(owner, entry)
            self._left.pop(entry.client, None)
            return
        self._seen.pop(entry.client, None)
        self._left[entry.client] = entry.clock
        if len(self._left) > MOST_LEFT:
            del self._left[next(iter(self._left))]
