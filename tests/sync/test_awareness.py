"""Who is there, and whose is which client id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.sync.awareness import MOST_CLOCK, Board, Entry, State, decode, encode
from flows.sync.protocol import LARGEST, Malformed

STATES = st.none() | st.dictionaries(st.text(max_size=5), st.integers(-9, 9) | st.text(max_size=5), max_size=3)
ENTRIES = st.builds(Entry, st.integers(0, LARGEST), st.integers(0, MOST_CLOCK), STATES)


def as_it_is(state: State) -> State:
    return state


def hear(board: Board, owner: str, *entries: Entry) -> list[Entry]:
    return board.hear(owner, entries, as_it_is)


@given(st.lists(ENTRIES, max_size=5))
def test_awareness_is_read_back(entries: list[Entry]) -> None:
    assert decode(encode(entries)) == entries


@given(st.binary(max_size=60))
def test_any_bytes_are_awareness_or_refused(body: bytes) -> None:
    try:
        entries = decode(body)
    except Malformed:
        return
    assert all(entry.state is None or isinstance(entry.state, dict) for entry in entries)


@pytest.mark.parametrize("body", [b"", b"\x01\x05\x01", b"\x01\x05\x01\x01[", b"\x01\x05\x01\x021 ", b"\x00\x00"])
def test_these_are_no_awareness(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(body)


def test_an_id_belongs_to_the_connection_that_used_it_first() -> None:
    board = Board()
    hear(board, "ada", Entry(5, 1, {"x": 1}))
    assert hear(board, "vera", Entry(5, 9, {"x": 2})) == []
    assert board.entries() == [Entry(5, 1, {"x": 1})]


def test_an_echo_of_others_claims_nothing() -> None:
    board = Board()
    hear(board, "ada", Entry(5, 1, {}))
    hear(board, "vera", Entry(6, 1, {}))
    board.leave("ada")
    assert hear(board, "vera", Entry(5, 1, {}), Entry(6, 2, {})) == [Entry(6, 2, {})]
    assert hear(board, "ada again", Entry(5, 1, {})) == [Entry(5, 3, {})]


def test_who_leaves_is_told_as_gone_and_heard_when_they_return_with_their_old_clock() -> None:
    board = Board()
    hear(board, "ada", Entry(5, 7, {"x": 1}))
    assert board.leave("ada") == [Entry(5, 8, None)]
    assert hear(board, "ada again", Entry(5, 7, {"x": 1})) == [Entry(5, 9, {"x": 1})]


def test_an_echo_that_comes_back_changes_nothing() -> None:
    board = Board()
    (told,) = board.hear("ada", [Entry(5, 1, {})], lambda state: {**state, "user": "ada"})
    assert board.hear("ada", [told], lambda state: {**state, "user": "ada"}) == []


def test_a_returning_client_gets_its_id_when_its_cut_connection_is_noticed() -> None:
    board = Board()
    hear(board, "cut", Entry(5, 1, {}))
    assert hear(board, "new", Entry(5, 1, {"y": 1})) == []
    assert board.leave("cut") == [Entry(5, 2, None), Entry(5, 3, {"y": 1})]
    assert board.leave("new") == [Entry(5, 4, None)]


def test_a_newcomer_with_clock_0_is_told_so_that_peers_listen() -> None:
    assert hear(Board(), "ada", Entry(5, 0, {})) == [Entry(5, 1, {})]


def test_who_only_leaves_was_never_there() -> None:
    assert hear(Board(), "ada", Entry(5, 1, None)) == []


def test_another_process_cannot_take_what_a_connection_here_holds() -> None:
    board = Board()
    hear(board, "ada", Entry(5, 1, {"here": 1}))
    assert board.adopt("two", [Entry(5, 9, {}), Entry(5, 10, None), Entry(6, 1, {}), Entry(7, 1, None)]) == [
        Entry(6, 1, {})
    ]
    assert board.adopt("three", [Entry(6, 2, None)]) == []
    assert board.adopt("two", [Entry(6, 1, {"late": 1}), Entry(6, 2, {"new": 1})]) == [Entry(6, 2, {"new": 1})]
    assert board.leave("two") == [Entry(6, 3, None)]
    assert board.own_entries() == [Entry(5, 1, {"here": 1})]
