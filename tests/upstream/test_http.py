"""The one room with a window, against real servers on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from scaiflow.kit.errors import PassedThrough
from scaiflow.upstream import guard, http
from scaiflow.upstream.breaker import FAILURES_IN_A_ROW, CircuitBreaker, breaker_for
from scaiflow.upstream.http import Unreachable, UpstreamError, call
from tests.loopback import Service, Told, serving


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


def test_a_redirect_is_not_followed(service: Service) -> None:
    service.on("GET", "/x", Told(302, None, {"Location": f"{service.url}/y"})).on("GET", "/y", Told(200, {}))
    with pytest.raises(Unreachable, match="redirect"):
        get(service)
    assert service.road() == ["GET /x"]


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
