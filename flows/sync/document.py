"""A Y.Doc on the server: merged, asked for differences, and never rewritten.

yrs (through pycrdt) keeps back what it cannot apply yet, because something before it is missing, and leaves it out of what
it tells others. Here such changes are kept beside it, so that a snapshot or a newcomer gets them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from pycrdt import Doc, TransactionEvent, get_update, merge_updates

from flows.sync.nesting import MOST_UNTRIED, types_in
from flows.sync.protocol import Malformed, read_uint

Item = TypeVar("Item")
Result = TypeVar("Result")
NOTHING = b"\x00\x00"
EMPTY_VECTOR = b"\x00"
# Merging is quadratic in the number of updates, and taking in what was merged can be, where people wrote at the same place.
# Large ones gain nothing by it, and need memory for all of them several times over.
CHUNK, CHUNK_BYTES = 25, 250_000
# What waits for something missing is proven to be of use with the whole document, each time.
MOST_WAIT, MOST_WAIT_BYTES = 200, 1_000_000
SHALLOW = 10_000
ONE_CLIENT = b"\x01"
LEAST_OF_A_CLIENT = 4  # bytes: a number of structs, an id, a clock, and one struct of one byte


class BadUpdate(ValueError):
    """Bytes that are no update, or one that no document can take in."""


class TooMuchWaits(BadUpdate):
    """An update that would have to wait for what is missing before it, and may not. `taken` is what of it did not have to,
    as an update of its own; empty when that is nothing."""

    def __init__(self, taken: bytes) -> None:
        super().__init__("too much waits for changes that have not come")
        self.taken = taken


class BadVector(ValueError):
    """Bytes that are no state vector."""


class Broken(RuntimeError):
    """The document cannot be used any more, and has to be made anew from what is stored."""


def _told(error: type[ValueError], work: Callable[..., Result], *given: object, about: str = "") -> Result:
    """Whatever yrs says to bytes that it cannot take is one error, also where it panics: a `PanicException` is no
    `Exception`, and has no name that could be imported. (No context manager: this is done for every update.)"""
    try:
        return work(*given)
    except TooMuchWaits:
        raise
    except (ValueError, RuntimeError) as found:
        raise error(about or str(found)) from None
    except BaseException as found:
        if type(found).__name__ != "PanicException":
            raise
        raise error(about or "these bytes broke the reader of updates") from None


class Document:
    """After a BadUpdate it is as it was before, or `is_broken`."""

    def __init__(self, updates: Iterable[bytes] = ()) -> None:
        self.is_broken = False
        self._doc: Doc[Any] = Doc()
        self._delta = b""
        self._waiting = b""
        self._waits = 0  # updates, since nothing did
        self.kept_back = 0  # updates, in all
        self._watch = self._doc.observe(self._note)
        for change in updates:
            self.apply(change)

    @property
    def is_patient(self) -> bool:
        """Whether more may wait: it costs as much as the whole document."""
        return self._waits < MOST_WAIT and len(self._waiting) < MOST_WAIT_BYTES

    def apply(self, update: bytes, *, may_wait: bool = True) -> bool:
        """Whether it said anything that was not known, also if that must wait for what is missing before it.
        Raises BadUpdate, TooMuchWaits. Ask `is_plain` first about updates of strangers."""
        _check_header(update)
        try:
            return _told(BadUpdate, self._take_in, update, may_wait)
        except TooMuchWaits:
            self._begin_without_the_rest()
            raise
        except BadUpdate as error:
            return self._taken_in_after_all(update, error, may_wait)

    def _begin_without_the_rest(self) -> None:
        """yrs would take in what it keeps back when the time has come, though it was refused."""
        waited, self._waiting = self._waiting, b""
        self._begin_anew()
        if waited:
            self._wait_again(waited)

    def _taken_in_after_all(self, update: bytes, error: BadUpdate, may_wait: bool) -> bool:
        """It may be one that waited which is bad, and shows it only now: then the document does without that one."""
        waited, self._waiting, is_changed = self._waiting, b"", bool(self._delta)
        self._begin_anew()
        if waited:
            try:
                return self._taken_in(update, may_wait)
            except BadUpdate:
                is_changed = is_changed or bool(self._delta)
                self._begin_anew()
            self._wait_again(waited)
        self.is_broken = self.is_broken or is_changed  # by parts of what is refused
        raise error

    def _wait_again(self, waited: bytes) -> None:
        try:
            self._taken_in(waited)
        except BadUpdate:
            self.is_broken = True

    def _taken_in(self, update: bytes, may_wait: bool = True) -> bool:
        return _told(BadUpdate, self._take_in, update, may_wait)

    def _take_in(self, update: bytes, may_wait: bool) -> bool:
        self._delta = b""
        self._doc.apply_update(update)
        # What is told in other words was known already in part, or waits in part.
        is_news = self._delta == update or self._keep_back(update, may_wait) or bool(self._delta)
        if self._waiting and self._delta:
            self._waiting = beyond(self._waiting, self.vector())
            self._waits = self._waits if self._waiting else 0
        return is_news

    def _begin_anew(self) -> None:
        """Without anything that yrs may have taken in by half, or keeps back."""
        try:
            self._doc = _told(BadUpdate, _copied, self._doc)
            self._watch = self._doc.observe(self._note)
        except BadUpdate:
            self.is_broken = True

    def vector(self) -> bytes:
        return bytes(self._doc.get_state())

    def since(self, vector: bytes = EMPTY_VECTOR) -> bytes:
        """All that the state vector lacks. Raises BadVector."""
        known = _told(BadVector, self._known_since, vector, about="this is no state vector")
        try:
            return _merged(known, self._waiting) if self._waiting else known
        except BadUpdate:  # they could be merged when it came; what nobody can be told of is of no use
            self._waiting = b""
            return known

    def _known_since(self, vector: bytes) -> bytes:
        _clocks(vector)
        return bytes(self._doc.get_update(vector))

    def _note(self, event: TransactionEvent) -> None:
        self._delta = event.update

    def _keep_back(self, update: bytes, may_wait: bool) -> bool:
        rest = beyond(update, self.vector())
        if not rest:
            return False
        if not may_wait:
            raise TooMuchWaits(self._delta)
        self._waits, self.kept_back = self._waits + 1, self.kept_back + 1
        before = self._waiting
        waiting = _merged(before, rest) if before else rest
        _merged(bytes(self._doc.get_update()), waiting)  # or newcomers could not be told of it
        self._waiting = waiting
        return waiting != before


def _copied(doc: Doc[Any]) -> Doc[Any]:
    state, copy = doc.get_update(), Doc[Any]()
    copy.apply_update(state)
    return copy


def is_plain(update: bytes) -> bool:
    """Whether an update cannot nest values or types so deep that yrs, which goes down by recursion, would end this process
    (seen at 40,000 levels on 8 MiB of stack). Arrays and maps of values begin with the bytes u and v, so few of those are
    shallow; types are counted."""
    if len(update) < SHALLOW:
        return True
    return update.count(b"u") + update.count(b"v") < SHALLOW and types_in(update) <= MOST_UNTRIED


def _check_header(update: bytes) -> None:
    """yrs makes room for as many clients as an update says it has, before it looks for them."""
    if update[:1] == ONE_CLIENT and len(update) >= LEAST_OF_A_CLIENT:
        return  # as nearly all are
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
    return updates[0] if len(updates) == 1 else _merged(*updates)


def _merged(*updates: bytes) -> bytes:
    return bytes(_told(BadUpdate, merge_updates, *updates, about="these updates cannot be merged"))


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
