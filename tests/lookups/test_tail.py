"""The end of a log, read again and again: each event once, oldest first, in whichever order pages come."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookups.tail import KEPT, MOST_PAGES, Batch, Tail
from scaiflow.upstream.pages import Page


class Log:
    def __init__(self, *, size: int, oldest_first: bool) -> None:
        self.size, self.oldest_first, self.calls = size, oldest_first, 0
        self.events: list[dict[str, Any]] = []

    def add(self, count: int) -> None:
        for _ in range(count):
            n = len(self.events)
            self.events.append({"id": f"e{n}", "timestamp": f"{n:08}", "payload": n})

    def page(self, cursor: str | None) -> Page:
        self.calls += 1
        ordered = self.events if self.oldest_first else self.events[::-1]
        start = int(cursor or 0)
        end = start + self.size
        return Page(ordered[start:end], str(end) if end < len(ordered) else None)


def numbers(events: Any) -> list[int]:
    return [event.body["payload"] for event in events]


@pytest.mark.parametrize("oldest_first", [False, True])
@settings(max_examples=200, deadline=None)
@given(
    begin=st.sampled_from([0, 2]), batches=st.lists(st.integers(0, 25), min_size=1, max_size=8), size=st.integers(2, 10)
)
def test_each_event_comes_out_once_and_in_order(oldest_first: bool, begin: int, batches: list[int], size: int) -> None:
    """Also of a log that is empty when it begins; but which end a page begins with shows in two events only."""
    log, tail = Log(size=size, oldest_first=oldest_first), Tail()
    log.add(begin)
    out = numbers(tail.advance(log.page))
    for batch in batches:
        log.add(batch)
        out += numbers(tail.advance(log.page))
    assert out == list(range(len(log.events)))


@pytest.mark.parametrize("oldest_first", [False, True])
@settings(max_examples=100, deadline=None)
@given(turns=st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_two_that_read_in_turn_have_each_event_once_and_in_order(
    oldest_first: bool, turns: list[tuple[int, bool, bool]]
) -> None:
    """Whoever reads, and whichever of the batches are lost on their way to the other."""
    log = Log(size=20, oldest_first=oldest_first)
    log.add(2)
    both = [Tail(), Tail()]
    out = [numbers(tail.advance(log.page)) for tail in both]
    for count, first_reads, is_lost in [*turns, (0, True, True), (0, False, True)]:
        log.add(count)
        reader, other = (0, 1) if first_reads else (1, 0)
        behind = both[reader].last_id
        new = both[reader].advance(log.page)
        out[reader] += numbers(new)
        if not is_lost:
            batch = Batch(behind, [event.body for event in new], both[reader].cursor)
            out[other] += numbers(both[other].absorb(batch) or [])
    assert out == [list(range(len(log.events)))] * 2


def test_a_batch_that_comes_twice_is_new_once_and_one_behind_the_unknown_is_refused() -> None:
    log, tail = Log(size=10, oldest_first=False), Tail()
    log.add(3)
    tail.advance(log.page)
    batch = Batch("e2", [{"id": "e3", "timestamp": f"{3:08}", "payload": 3}], None)
    assert numbers(tail.absorb(batch)) == [3]
    assert tail.absorb(batch) == []
    assert tail.absorb(Batch("e7", [{"id": "e8", "timestamp": f"{8:08}", "payload": 8}], None)) is None
    assert tail.absorb(Batch("", [{"id": "e4", "timestamp": f"{4:08}", "payload": 4}], None)) is not None


def test_a_quiet_log_costs_one_call() -> None:
    log, tail = Log(size=10, oldest_first=False), Tail()
    log.add(100)
    tail.advance(log.page)
    log.calls = 0
    assert tail.advance(log.page) == []
    assert log.calls == 1


def test_the_first_reading_goes_back_as_far_as_it_is_told() -> None:
    log = Log(size=10, oldest_first=False)
    log.add(100)
    for least, pages in ((0, 1), (10, 1), (11, 2), (35, 4)):
        log.calls = 0
        Tail().advance(log.page, least=least)
        assert log.calls == pages
    tail = Tail()
    tail.advance(log.page, until="e42")
    assert numbers(tail.after("e42") or []) == list(range(43, 100))


def test_what_is_too_far_back_is_not_looked_for_for_ever() -> None:
    log, tail = Log(size=2, oldest_first=False), Tail()
    log.add(500)
    tail.advance(log.page, until="e0")
    assert log.calls == MOST_PAGES
    assert tail.after("e0") is None


def test_it_keeps_no_more_than_it_may() -> None:
    log, tail = Log(size=100, oldest_first=False), Tail()
    for _ in range(30):
        log.add(100)
        tail.advance(log.page)
    assert len(tail.kept) == KEPT
    assert numbers(tail.newest(2)) == [2998, 2999]
    assert tail.newest(0) == []


def test_large_events_are_kept_by_their_size_and_still_come_out_once() -> None:
    log, tail, out = Log(size=10, oldest_first=False), Tail(), 0
    for _ in range(12):
        log.add(3)
        for event in log.events[-3:]:
            event["timestamp"], event["text"] = "the same for all", "x" * 1_000_000
        out += len(tail.advance(log.page))
    assert out == 36
    assert len(tail.kept) == 8


def test_an_event_that_is_deleted_lets_no_old_one_out_again() -> None:
    log, tail = Log(size=10, oldest_first=False), Tail()
    log.add(30)
    tail.advance(log.page)
    del log.events[25:28]
    assert tail.advance(log.page) == []


def test_an_event_that_comes_late_comes_all_the_same() -> None:
    log, tail = Log(size=10, oldest_first=False), Tail()
    log.add(10)
    tail.advance(log.page)
    log.add(1)
    log.events.insert(9, {"id": "late", "timestamp": "00000008", "payload": -1})
    assert sorted(numbers(tail.advance(log.page))) == [-1, 10]


def test_events_without_ids_get_the_same_one_every_time() -> None:
    body = {"type": "t", "timestamp": 7, "payload": {"b": 1, "a": 2}}
    again = {"payload": {"a": 2, "b": 1}, "timestamp": 7, "type": "t"}
    ids = []
    for one in (body, again, {**body, "timestamp": 8}):
        tail = Tail()
        tail.advance(lambda _, one=one: Page([one]))
        ids.append(tail.kept[0].id)
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("told", ["a\nb", "", "x" * 201, "é", 7, None, "a b"])
def test_an_id_that_could_break_a_header_is_not_used(told: Any) -> None:
    tail = Tail()
    tail.advance(lambda _: Page([{"id": told, "timestamp": "1"}]))
    assert len(tail.kept[0].id) == 32


def test_a_log_whose_pages_never_end_is_left_after_some() -> None:
    counter, tail = itertools.count(), Tail()

    def page(cursor: str | None) -> Page:
        n = next(counter)
        return Page([{"id": f"e{n}", "timestamp": f"{n:08}"}], "more")

    tail.advance(page, until="never")
    assert next(counter) == MOST_PAGES
