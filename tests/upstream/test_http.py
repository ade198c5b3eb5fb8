"""The one room with a window, against real servers on loopback."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from urllib3 import HTTPResponse

from scaiflow.kit.errors import PassedThrough
from scaiflow.upstream import guard, http
from scaiflow.upstream.breaker import FAILURES_IN_A_ROW, CircuitBreaker, breaker_for
from scaiflow.upstream.http import Unreachable, UpstreamError, call
from tests.loopback import Asked, Service, Told, serving


@pytest.fixture(autouse=True)
def fresh_breakers() -> None:
    breaker_for.cache_clear()


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(Service()) as running:
        yield running


def get(service: Service) -> http.Reply:
    return call("scaigrid", "GET", f"{service.url}/x", token="t")


def test_a_get_is_tried_again_where_that_is_safe(service: Service) -> None:
    service.on("GET", "/x", Told(503, {}), Told(200, {"ok": True}))
    assert get(service).data == {"ok": True}
    assert len(service.asked) == 2


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_a_get_that_was_refused_is_not_tried_again(service: Service, status: int) -> None:
    service.on("GET", "/x", Told(status, {"error": {"code": "C", "message": "m"}}))
    with pytest.raises(UpstreamError) as error:
        get(service)
    assert (error.value.status, error.value.code, error.value.message) == (status, "C", "m")
    assert len(service.asked) == 1


def test_a_get_that_always_fails_ends_as_the_upstreams_error(service: Service) -> None:
    service.on("GET", "/x", Told(502, b"bad gateway"))
    with pytest.raises(UpstreamError) as error:
        get(service)
    assert (error.value.status, error.value.code) == (502, None)
    assert len(service.asked) == 3


def test_a_post_is_never_tried_again(service: Service) -> None:
    service.on("POST", "/x", Told(503, {}))
    with pytest.raises(UpstreamError):
        call("scaigrid", "POST", f"{service.url}/x", body=b"{}")
    assert len(service.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_not_followed(service: Service, method: str, status: int) -> None:
    """Not even to the same host: nobody's token goes where it was not sent."""
    service.on(method, "/x", Told(status, None, {"Location": f"{service.url}/y"})).on("GET", "/y", Told(200, {}))
    with pytest.raises(Unreachable, match="redirect"):
        call("scaigrid", method, f"{service.url}/x", token="t")
    assert service.road() == [f"{method} /x"]


@pytest.mark.parametrize("body", [b"<html>", b"{", b"\xff\xfe", b'{"a": NaN}'])
def test_what_is_not_json_is_no_answer(service: Service, body: bytes) -> None:
    service.on("GET", "/x", Told(200, body))
    with pytest.raises(Unreachable, match="not JSON"):
        get(service)


def test_an_answer_without_end_is_cut(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER", 1000)
    service.on("GET", "/x", Told(200, b'"' + b"x" * 100_000 + b'"'))
    with pytest.raises(Unreachable, match="larger"):
        get(service)


def test_ten_mebibytes_are_taken_and_one_byte_more_is_not(service: Service) -> None:
    whole = b'"' + b"x" * (10 * 1024 * 1024 - 2) + b'"'
    service.on("GET", "/x", Told(200, whole), Told(200, whole + b" "))
    assert len(get(service).data) == len(whole) - 2
    with pytest.raises(Unreachable, match="larger than 10485760 bytes"):
        get(service)


def test_an_answer_that_is_small_only_while_it_is_packed_is_cut(service: Service) -> None:
    packed = gzip.compress(b" " * (64 * 1024 * 1024))
    service.on("GET", "/x", Told(200, packed, {"Content-Encoding": "gzip"}))
    with pytest.raises(Unreachable, match="larger"):
        get(service)


def test_an_answer_that_is_packed_wrong_is_no_answer(service: Service) -> None:
    service.on("GET", "/x", Told(200, b"not gzip", {"Content-Encoding": "gzip"}))
    with pytest.raises(Unreachable, match="broke"):
        get(service)


@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Somebody who talks to whoever connects as the test tells."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    with peer, suppress(OSError):
                        talk(peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_an_answer_that_comes_a_byte_at_a_time_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """No single read takes long, so it is the whole that has a limit."""
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.1)
    pause = threading.Event()

    def drip(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            peer.sendall(b" ")
            pause.wait(0.02)

    with server(drip) as url, pytest.raises(Unreachable, match="did not answer in time"):
        call("scaigrid", "GET", f"{url}/x", read_seconds=0.3)


@pytest.mark.parametrize(
    "begun",
    [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"],
    ids=["status line", "header", "length of a chunk"],
)
def test_whatever_of_an_answer_comes_a_byte_at_a_time_it_is_too_slow(begun: bytes) -> None:
    """What is read before there is a body has the same limit as the body."""
    pause = threading.Event()

    def drip(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(begun)
        for _ in range(200):
            peer.sendall(b"x")
            pause.wait(0.02)

    started = time.monotonic()
    with server(drip) as url:
        with pytest.raises(http.TooSlow, match="did not answer in time"):
            call("scaigrid", "GET", f"{url}/x", read_seconds=0.3)
        took = time.monotonic() - started
    assert took < 2


def test_a_connection_that_is_used_again_has_its_whole_time_again(service: Service) -> None:
    pause = threading.Event()

    def answer(asked: Asked) -> Told:
        pause.wait(0.6)
        return Told(200, {"ok": True})

    service.on("GET", "/x", answer)
    for _ in range(3):
        assert call("scaigrid", "GET", f"{service.url}/x", read_seconds=1.5).data == {"ok": True}
    assert len({asked.port for asked in service.asked}) == 1


def test_silence_is_too_slow() -> None:
    def nothing(peer: socket.socket) -> None:
        while peer.recv(4096):
            pass

    with server(nothing) as url, pytest.raises(Unreachable, match="did not answer in time"):
        call("scaigrid", "GET", f"{url}/x", read_seconds=0.2)


def test_connections_are_kept_and_used_again(service: Service) -> None:
    service.on("GET", "/x", Told(200, {"ok": True}))
    for _ in range(5):
        get(service)
    assert len({asked.port for asked in service.asked}) == 1


def test_a_call_that_nobody_was_there_to_take_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is: nothing was sent. The second time somebody is there."""
    tried = []
    connect = socket.socket.connect

    def refuse_once(self: socket.socket, address: Any) -> None:
        tried.append(address)
        if len(tried) == 1:
            raise ConnectionRefusedError
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse_once)
    with serving(Service()) as late:
        late.on("POST", "/x", Told(200, {"ok": True}))
        assert call("scaigrid", "POST", f"{late.url}/x", body=b"{}").data == {"ok": True}
        assert (len(late.asked), len(tried)) == (1, 2)


def test_the_pauses_between_tries_are_not_all_the_same() -> None:
    retry = http._SESSION.get_adapter("https://x").max_retries
    for _ in range(2):
        retry = retry.increment("GET", "/x", response=HTTPResponse(status=503))
    assert len({retry.get_backoff_time() for _ in range(20)}) > 1


def test_an_answer_that_breaks_off_is_no_answer(service: Service) -> None:
    service.on("GET", "/x", Told(200, b'{"half":', {"Content-Length": "5000", "Connection": "close"}))
    with pytest.raises(Unreachable):
        get(service)


def test_nobody_at_the_door_is_told_in_words_without_the_address() -> None:
    with pytest.raises(Unreachable) as error:
        call("scaigrid", "GET", "http://127.0.0.1:9/secret-path", token="t")
    assert str(error.value) == "scaigrid: cannot be reached"


def test_a_limited_rate_keeps_its_body_and_its_headers(service: Service) -> None:
    service.on("GET", "/x", Told(429, b"slow", {"Retry-After": "3", "X-Scaigrid-Ratelimit-Limit": "10", "Server": "s"}))
    with pytest.raises(PassedThrough) as error:
        get(service)
    assert (error.value.status, error.value.body) == (429, b"slow")
    assert {"Retry-After", "X-Scaigrid-Ratelimit-Limit"} <= set(error.value.headers)
    assert "Server" not in error.value.headers


def test_a_host_that_never_answers_is_left_alone_for_a_while(service: Service) -> None:
    service.on("GET", "/x", Told(200, b"cut", {"Content-Length": "5000", "Connection": "close"}))
    for _ in range(FAILURES_IN_A_ROW + 3):
        with pytest.raises(Unreachable):
            get(service)
    assert len(service.asked) == FAILURES_IN_A_ROW


def test_after_a_pause_one_call_is_let_through_and_decides() -> None:
    now = [0.0]
    breaker = CircuitBreaker(failures=2, pause=10, clock=lambda: now[0])
    breaker.failed()
    assert breaker.lets_through()
    breaker.failed()
    assert not breaker.lets_through()
    now[0] = 11
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    breaker.failed()
    assert not breaker.lets_through()
    now[0] = 22
    assert breaker.lets_through()
    breaker.worked()
    assert breaker.lets_through()


def test_a_host_that_refuses_is_still_there(service: Service) -> None:
    service.on("GET", "/x", Told(500, {}))
    for _ in range(8):
        with pytest.raises(UpstreamError):
            get(service)
    assert len(service.asked) == 8


@pytest.mark.parametrize(
    ("peer", "host", "good"),
    [
        ("127.0.0.1", "localhost", True), ("127.0.0.1", "127.0.0.1", True), ("::1", "[::1]", True),
        ("127.0.0.1", "grid.example", False), ("::ffff:127.0.0.1", "grid.example", False), ("10.0.0.8", "grid.lan", True),
        ("169.254.169.254", "grid.example", False), ("fe80::1%eth0", "grid.example", False), ("0.0.0.0", "x", False),
        ("93.184.216.34", "grid.example", True), ("224.0.0.1", "x", False),
    ],
)  # fmt: skip
def test_a_name_may_not_lead_to_the_machine_itself_or_to_its_cloud(peer: str, host: str, good: bool) -> None:
    assert guard.is_good(peer, host) is good


def test_the_guard_stands_at_the_open_socket(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of somebody's that leads to this machine."""
    port = int(service.url.rpartition(":")[2])
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: here)
    with pytest.raises(Unreachable):
        call("scaigrid", "GET", f"http://grid.example:{port}/x")
    assert service.asked == []


def test_a_name_that_leads_elsewhere_the_second_time_is_not_followed_there(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: whoever looks the name up to check it is told a good address, and who then connects another one."""
    port = int(service.url.rpartition(":")[2])
    service.on("GET", "/x", Told(200, {"ok": True}))
    answers = iter(["93.184.216.34", "127.0.0.1"])

    def resolve(*args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers, "127.0.0.1"), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    checked = socket.getaddrinfo("grid.example", port)[0][4][0]
    assert guard.is_good(checked, "grid.example")
    with pytest.raises(Unreachable):
        call("scaigrid", "GET", f"http://grid.example:{port}/x", token="t")
    assert service.asked == []


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"status": "error", "error": {"code": "C", "message": "m"}}, "C", "m"),
        ({"error": {"message": "m"}}, None, "m"),
        ({"error": "invalid_grant", "error_description": "d"}, "invalid_grant", "d"),
        ({"detail": "d"}, None, "d"),
        (["odd"], None, "HTTP 400"),
        ({"error": None}, None, "HTTP 400"),
    ],
)
def test_any_envelope_of_an_error_is_understood(body: object, code: str | None, message: str) -> None:
    assert http.error_of(body, 400) == (code, message)
