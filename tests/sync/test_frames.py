"""Frames as a client sends them, in whatever pieces they arrive: heard or passed on, in order, and none of them twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol

from flows.sync.frames import Sieve, frame

BELOW = 300
payloads = st.one_of(st.binary(max_size=130), st.binary(min_size=BELOW - 2, max_size=BELOW + 2))
whole = st.tuples(st.sampled_from([Opcode.BINARY, Opcode.BINARY, Opcode.TEXT]), payloads).map(
    lambda found: [Frame(*found)]
)
control = st.binary(max_size=125).map(lambda data: [Frame(Opcode.PING, data)])


def in_parts(data: bytes) -> list[Frame]:
    half = len(data) // 2
    ping = Frame(Opcode.PING, b"between")
    return [Frame(Opcode.BINARY, data[:half], fin=False), ping, Frame(Opcode.CONT, data[half:])]


messages = st.lists(st.one_of(whole, whole, control, payloads.map(in_parts)), max_size=8).map(
    lambda found: list(itertools.chain.from_iterable(found))
)


def pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in itertools.cycle(sizes):
        if at >= len(data):
            return
        yield data[at : at + size]
        at += size


class Connection:
    """A sieve before the parser of the websockets library, as in the server."""

    def __init__(self) -> None:
        self.parser = Protocol(SERVER, max_size=None)
        self.heard: list[bytes] = []
        self.messages: list[bytes] = []
        self._parts: list[bytes] = []
        self.sieve = Sieve(self.pass_on)

    def pass_on(self, data: bytes) -> None:
        self.parser.receive_data(data)
        for found in self.parser.events_received():
            assert isinstance(found, Frame)
            if found.opcode in {Opcode.BINARY, Opcode.TEXT, Opcode.CONT}:
                self._parts.append(bytes(found.data))
                if found.fin:
                    self.messages.append(b"".join(self._parts))
                    self._parts = []

    def hear(self, message: bytes) -> None:
        self.heard.append(message)
        self.messages.append(message)


def sent(frames: list[Frame]) -> bytes:
    return b"".join(one.serialize(mask=True) for one in frames)


def told(frames: list[Frame]) -> list[bytes]:
    whole, parts = [], []
    for one in frames:
        if one.opcode is Opcode.PING:
            continue
        parts.append(bytes(one.data))
        if one.fin:
            whole.append(b"".join(parts))
            parts = []
    return whole


@given(messages, st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_every_message_arrives_once_and_in_order(frames: list[Frame], sizes: list[int]) -> None:
    connection = Connection()
    connection.sieve.open(connection.hear, below=BELOW)
    for piece in pieces(sent(frames), sizes):
        connection.sieve.feed(piece)
    assert connection.messages == told(frames)
    assert connection.parser.parser_exc is None


@given(st.lists(st.binary(max_size=BELOW - 1), max_size=6), st.lists(st.integers(1, 400), min_size=1, max_size=5))
def test_small_whole_binary_messages_are_heard(found: list[bytes], sizes: list[int]) -> None:
    connection = Connection()
    connection.sieve.open(connection.hear, below=BELOW)
    for piece in pieces(sent([Frame(Opcode.BINARY, data) for data in found]), sizes):
        connection.sieve.feed(piece)
    assert connection.heard == found


@given(st.binary(max_size=500), st.lists(st.integers(1, 100), min_size=1, max_size=5))
def test_noise_breaks_nothing_but_the_parser(data: bytes, sizes: list[int]) -> None:
    passed: list[bytes] = []
    heard: list[bytes] = []
    sieve = Sieve(passed.append)
    sieve.open(heard.append, below=BELOW)
    for piece in pieces(data, sizes):
        sieve.feed(piece)
    assert sum(map(len, passed)) + sum(map(len, heard)) <= len(data)


def test_after_a_message_that_was_passed_on_the_others_wait_for_it() -> None:
    connection = Connection()
    connection.sieve.open(connection.hear, below=BELOW)
    large, small = Frame(Opcode.BINARY, bytes(BELOW)), Frame(Opcode.BINARY, b"small")
    connection.sieve.feed(sent([large, small]))
    assert (connection.heard, connection.messages) == ([], [bytes(BELOW), b"small"])
    connection.sieve.dealt_with()
    connection.sieve.feed(sent([small]))
    assert connection.heard == []
    connection.sieve.dealt_with()
    connection.sieve.dealt_with()
    connection.sieve.feed(sent([small]))
    assert connection.heard == [b"small"]


def test_a_message_of_more_than_two_bytes_can_count_is_passed_on_whole() -> None:
    connection = Connection()
    connection.sieve.open(connection.hear, below=BELOW)
    for piece in pieces(sent([Frame(Opcode.BINARY, bytes(70_000)), Frame(Opcode.BINARY, b"small")]), [1460]):
        connection.sieve.feed(piece)
    assert connection.messages == [bytes(70_000), b"small"]


def test_until_somebody_listens_everything_is_passed_on() -> None:
    connection = Connection()
    connection.sieve.feed(sent([Frame(Opcode.BINARY, b"early")]))
    connection.sieve.open(connection.hear, below=BELOW)
    connection.sieve.feed(sent([Frame(Opcode.BINARY, b"next")]))
    assert (connection.heard, connection.messages) == ([], [b"early", b"next"])


@given(st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536, 100_000]))
def test_what_we_send_is_what_the_library_would_send(size: int) -> None:
    assert frame(bytes(size)) == Frame(Opcode.BINARY, bytes(size)).serialize(mask=False)
