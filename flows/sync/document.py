"""A Y.Doc on the server: merged, asked for differences, and never rewritten.

yrs (through pycrdt) keeps back what it cannot apply yet, because something before it is missing, and leaves it out of what
it tells others. Here such changes are kept beside it, so that a snapshot or a newcomer gets them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from pycrdt import Doc, TransactionEvent, get_update, merge_updates

from flows.sync.protocol import Malformed, read_uint

Item = TypeVar("Item")
NOTHING = b"\x00\x00"
EMPTY_VECTOR = b"\x00"
# Merging is quadratic in the number of updates, and taking in what was merged can be, where people wrote at the same place.
# Large ones gain nothing by it, and need memory for all of them several times over.
CHUNK, CHUNK_BYTES = 25, 250_000
SHALLOW = 10_000
LEAST_OF_A_CLIENT = 4  # bytes: a number of structs, an id, a clock, and one struct of one byte


class BadUpdate(ValueError):
    """Bytes that are no update, or one that no document can take in."""


class BadVector(ValueError):
    """Bytes that are no state vector."""


class Document:
    def __init__(self, updates: Iterable[bytes] = ()) -> None:
        self._doc: Doc[Any] = Doc()
        self._delta = b""
        self._waiting = b""
        self._watch = self._doc.observe(self._note)
        for change in updates:
            self.apply(change)

    def apply(self, update: bytes) -> bool:
        """Whether it said anything that was not known, also if that must wait for what is missing before it.
        Raises BadUpdate. Ask `is_plain` first about updates of strangers."""
        _check_header(update)
        self._delta = b""
        try:
            self._doc.apply_update(update)
        except (ValueError, RuntimeError) as error:
            raise BadUpdate(str(error)) from None
        # What is told in other words was known already in part, or waits in part.
        is_news = self._delta == update or self._keep_back(update) or bool(self._delta)
        if self._waiting and self._delta:
            self._waiting = beyond(self._waiting, self.vector())
        return is_news

    def vector(self) -> bytes:
        return bytes(self._doc.get_state())

    def since(self, vector: bytes = EMPTY_VECTOR) -> bytes:
        """All that the state vector lacks. Raises BadVector."""
        try:
            _clocks(vector)
            known = bytes(self._doc.get_update(vector))
        except ValueError:
            raise BadVector("this is no state vector") from None
        return merge_updates(known, self._waiting) if self._waiting else known

    def _note(self, event: TransactionEvent) -> None:
        self._delta = event.update

    def _keep_back(self, update: bytes) -> bool:
        rest = beyond(update, self.vector())
        if not rest:
            return False
        before = self._waiting
        self._waiting = merge_updates(before, rest) if before else rest
        return self._waiting != before


def is_plain(update: bytes) -> bool:
    """Whether an update cannot nest values so deep that yrs, which goes down by recursion, would end this process (seen
    at 40,000 levels on 8 MiB of stack). Arrays and maps begin with the bytes u and v, so few of those are shallow."""
    return len(update) < SHALLOW or update.count(b"u") + update.count(b"v") < SHALLOW


def _check_header(update: bytes) -> None:
    """yrs makes room for as many clients as an update says it has, before it looks for them."""
    try:
        clients, _ = read_uint(update, 0)
    except Malformed:
        raise BadUpdate("this is no update") from None
    if clients * LEAST_OF_A_CLIENT > len(update):
        raise BadUpdate("an update promises more clients than it has bytes for")


def beyond(update: bytes, vector: bytes) -> bytes:
    """What in an update lies beyond a state vector and so cannot have been applied by who holds it: changes whose
    predecessors are missing, and deletions of what is not there yet. Empty when there is nothing of that."""
    rest = get_update(update, vector)
    if rest[:1] != b"\x00":
        return bytes(rest)
    known = _clocks(vector)
    return bytes(rest) if any(end > known.get(client, 0) for client, end in _deletions(rest, 1)) else b""


def _clocks(vector: bytes) -> dict[int, int]:
    count, at = read_uint(vector, 0)
    clocks = {}
    for _ in range(count):
        client, at = read_uint(vector, at)
        clocks[client], at = read_uint(vector, at)
    return clocks


def _deletions(data: bytes, at: int) -> list[tuple[int, int]]:
    """The delete set that begins at `at`: the client, and the clock after each range."""
    clients, at = read_uint(data, at)
    ends = []
    for _ in range(clients):
        client, at = read_uint(data, at)
        ranges, at = read_uint(data, at)
        for _ in range(ranges):
            clock, at = read_uint(data, at)
            length, at = read_uint(data, at)
            ends.append((client, clock + length))
    return ends


def merged(updates: Sequence[bytes]) -> bytes:
    """One update that says what all of them say. Raises BadUpdate."""
    if len(updates) == 1:
        return updates[0]
    try:
        return bytes(merge_updates(*updates))
    except ValueError:
        raise BadUpdate("these are not updates") from None


def merged_in_chunks(updates: Sequence[bytes]) -> list[bytes]:
    return [merged(some) for some in portions(updates, len, most=CHUNK, heaviest=CHUNK_BYTES)]


def portions(items: Iterable[Item], weigh: Callable[[Item], int], *, most: int, heaviest: int) -> Iterator[list[Item]]:
    """In order, at most so many together, and no more than so heavy together; a heavier one comes alone."""
    some: list[Item] = []
    weight = 0
    for item in items:
        if some and (len(some) == most or weight + weigh(item) > heaviest):
            yield some
            some, weight = [], 0
        some.append(item)
        weight += weigh(item)
    if some:
        yield some


def says_something(update: bytes) -> bool:
    """Whether an update holds any change at all; clients send empty ones when they have nothing to add."""
    return update != NOTHING


def has_structs(update: bytes) -> bool:
    """Whether an update inserts anything (and does not only delete). Raises BadUpdate."""
    try:
        return read_uint(update, 0)[0] > 0
    except Malformed:
        raise BadUpdate("this is no update") from None
