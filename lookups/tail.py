"""The end of a Core's log of events, read again and again so that each event comes out once, oldest first. Pure.

ScaiCore's page may begin with the newest event (its cursor then leads to older ones) or with the oldest (it leads to
newer ones): which it is shows in the times of the first page that has two different ones. Events need have no id of their
own: then the digest of all that they say is one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

KEPT, KEPT_BYTES = 2000, 8 * 1024 * 1024
MOST_PAGES = 20
SANE_ID = re.compile(r"[!-~]{1,200}")  # it comes back in a header


class Page(Protocol):
    @property
    def items(self) -> list[dict[str, Any]]: ...
    @property
    def next_cursor(self) -> str | None: ...


Fetch = Callable[[str | None], Page]


@dataclass(frozen=True)
class Event:
    """`size` in bytes, about."""

    id: str
    moment: str
    body: dict[str, Any]
    size: int


@dataclass(frozen=True)
class Batch:
    """What one reading brought, for whoever has the same events before it. `behind` is the id of the last of those, "" where
    there were none; `cursor` is where the next reading begins, in a log that is told oldest first."""

    behind: str
    bodies: list[dict[str, Any]]
    cursor: str | None


def read(body: dict[str, Any]) -> Event:
    told, at = body.get("id", body.get("event_id")), body.get("timestamp")
    text = json.dumps(body, sort_keys=True).encode()
    moment = f"{at:020.6f}" if isinstance(at, int | float) else str(at or "")
    is_sane = isinstance(told, str) and bool(SANE_ID.fullmatch(told))
    return Event(str(told) if is_sane else hashlib.sha256(text).hexdigest()[:32], moment, body, len(text))


class Tail:
    """The newest events that were read, at most 2,000 and 8 MiB of them. Not safe to use from two threads at once."""

    def __init__(self) -> None:
        self.kept: deque[Event] = deque()
        self._bytes = 0
        # Ids are remembered for longer than events, or one that was let go might come out again as new.
        self._ids: deque[str] = deque(maxlen=2 * KEPT)
        self._known: set[str] = set()
        self._oldest_first = False
        self.cursor: str | None = None
        self.has_begun = False
        # Whether nothing is older than what is kept.
        self.is_whole = False

    def advance(self, fetch: Fetch, *, until: str | None = None, least: int = 0) -> list[Event]:
        """What is new since the last time. The first time it reads back until there are `least` events, and the one with
        the id `until` among them if it can be found in 20 pages."""
        is_first = not self.has_begun
        found: list[Event] = []
        cursor = self.cursor
        for _ in range(MOST_PAGES):
            page = fetch(cursor)
            events = [read(body) for body in page.items]
            self._oldest_first = self._oldest_first or (bool(events) and events[0].moment < events[-1].moment)
            fresh = self._fresh(events, found)
            found = found + fresh if self._oldest_first else fresh[::-1] + found
            enough = len(fresh) < len(events) or (is_first and _has(found, until) and len(found) >= least)
            if not events or not page.next_cursor or (enough and not self._oldest_first):
                break
            cursor = page.next_cursor
            if self._oldest_first:
                self.cursor = cursor
        if is_first:
            self.has_begun, self.is_whole = True, self._oldest_first or not page.next_cursor
        self._keep(found)
        return found

    def absorb(self, batch: Batch) -> list[Event] | None:
        """What is new in what somebody else has read; None when something between that and what is known here is missing:
        then it has to be read."""
        if batch.behind and batch.behind not in self._known:
            return None
        if batch.cursor:
            self.cursor, self._oldest_first = batch.cursor, True
        new = self._fresh([read(body) for body in batch.bodies], [])
        self._keep(new)
        return new

    @property
    def last_id(self) -> str:
        return self.kept[-1].id if self.kept else ""

    def after(self, event_id: str) -> list[Event] | None:
        """The kept events behind that one; None when it is not among them."""
        place = self.place_of(event_id)
        return None if place is None else list(self.kept)[place + 1 :]

    def place_of(self, event_id: str) -> int | None:
        return next((index for index, event in enumerate(self.kept) if event.id == event_id), None)

    def cut_behind(self, event_id: str) -> None:
        """Forget what is newer than that event, if it is among the kept."""
        place = self.place_of(event_id)
        while place is not None and len(self.kept) > place + 1:
            self._bytes -= self.kept.pop().size

    def newest(self, count: int) -> list[Event]:
        return list(self.kept)[-count:] if count else []

    def _fresh(self, events: list[Event], found: list[Event]) -> list[Event]:
        """Unknown ones, but none from before what is kept: an event that was deleted lets an older one move up."""
        floor = self.kept[0].moment if self.kept else ""
        seen = self._known | {event.id for event in found}
        return [event for event in events if event.id not in seen and event.moment >= floor]

    def _keep(self, found: list[Event]) -> None:
        for event in found:
            self.kept.append(event)
            self._ids.append(event.id)
            self._bytes += event.size
        while len(self.kept) > KEPT or (self._bytes > KEPT_BYTES and len(self.kept) > 1):
            self._bytes -= self.kept.popleft().size
            self.is_whole = False
        if found:
            self._known = set(self._ids)


def _has(events: list[Event], event_id: str | None) -> bool:
    return event_id is None or any(event.id == event_id for event in events)
