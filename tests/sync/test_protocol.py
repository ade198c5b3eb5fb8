"""Frames: what is written is read back, and nothing else is read at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.sync import protocol
from flows.sync.protocol import LARGEST, Kind, Malformed, read, read_uint, write_uint

WRITERS = [
    (protocol.step1, Kind.STEP1),
    (protocol.step2, Kind.STEP2),
    (protocol.update, Kind.UPDATE),
    (protocol.awareness, Kind.AWARENESS),
]


@given(st.integers(0, LARGEST), st.binary(max_size=5), st.binary(max_size=5))
def test_a_number_is_read_back_wherever_it_stands(value: int, before: bytes, after: bytes) -> None:
    written = write_uint(value)
    assert read_uint(before + written + after, len(before)) == (value, len(before) + len(written))


@pytest.mark.parametrize(("write", "kind"), WRITERS, ids=lambda item: getattr(item, "name", ""))
@given(body=st.binary(max_size=300))
def test_a_message_is_read_back(write: object, kind: Kind, body: bytes) -> None:
    assert read(write(body)) == (kind, body)  # type: ignore[operator]


@pytest.mark.parametrize(("write", "kind"), WRITERS, ids=lambda item: getattr(item, "name", ""))
@given(body=st.binary(max_size=300), junk=st.binary(min_size=1, max_size=9), cut=st.integers(1, 400))
def test_a_message_that_is_cut_short_or_goes_on_is_refused(
    write: object, kind: Kind, body: bytes, junk: bytes, cut: int
) -> None:
    frame: bytes = write(body)  # type: ignore[operator]
    with pytest.raises(Malformed):
        read(frame + junk)
    with pytest.raises(Malformed):
        read(frame[: max(0, len(frame) - cut)])


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(frame: bytes) -> None:
    try:
        kind, body = read(frame)
    except Malformed:
        return
    assert isinstance(kind, Kind)
    assert len(body) <= len(frame)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x80",
        b"\x00",
        b"\x00\x80",
        b"\x00\x00",
        b"\x00\x02\x05ab",
        b"\x01",
        b"\x03\x00",
        b"\x00\x02" + b"\xff" * 12,
    ],
)
def test_these_are_malformed(frame: bytes) -> None:
    with pytest.raises(Malformed):
        read(frame)


def test_a_length_that_promises_more_than_there_is_costs_nothing() -> None:
    with pytest.raises(Malformed, match="cut short"):
        read(b"\x00\x02" + write_uint(LARGEST) + b"abc")


def test_kinds_that_nobody_knows_are_told_as_unknown() -> None:
    assert [read(frame)[0] for frame in (b"\x07abc", b"\x00\x09", b"\x02\x00\x00", b"\x64")] == [Kind.UNKNOWN] * 4


def test_a_refusal_is_what_clients_expect() -> None:
    assert protocol.denied("no") == b"\x02\x00\x02no"
    assert read(b"\x03") == (Kind.QUERY_AWARENESS, b"")
