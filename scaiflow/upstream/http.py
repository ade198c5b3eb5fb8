"""The one room with a window: every call to another service goes through `call`.

A call has 5 s to connect and 30 s for its answer, from the first byte sent to the last one read; it follows no redirect,
reads at most 10 MiB, and carries our X-Request-ID. Connections are kept and used again. A call that nobody was there to take
is tried again with jittered backoff (nothing was sent), and a GET also on 502, 503, 504; nothing else is.
After five transport failures in a row a host is left alone for ten seconds, then tried with one call. Where a connection may
end is guarded (guard.py).
Failures leave as UpstreamError (the service answered no) or Unreachable (it did not answer, or not with JSON); the
operation that called knows which documented error that is. (../shared/spec/upstreams.md)
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import requests  # noqa: TID251  this is the room
import structlog
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util.retry import Retry

from scaiflow.kit import json
from scaiflow.kit.database import let_go
from scaiflow.kit.errors import NotFound, PassedThrough
from scaiflow.kit.metrics import UPSTREAM_SECONDS
from scaiflow.upstream.breaker import breaker_for
from scaiflow.upstream.guard import GuardedAdapter

log = structlog.get_logger(__name__)
CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
TOO_SLOW = "did not answer in time"
MAX_ANSWER = 10 * 1024 * 1024
SHORTEST_SECRET = 8  # anything shorter would be found in texts that do not mean it
PASSED_HEADERS = {"content-type": "Content-Type", "retry-after": "Retry-After"}
PASSED_PREFIX = "x-scaigrid-ratelimit-"


@dataclass
class UpstreamError(Exception):
    """The service answered with a failure. `code` and `message` are its own, where it gave them."""

    service: str
    status: int
    code: str | None
    message: str
    body: Any = None

    def __str__(self) -> str:
        return f"{self.service} answered {self.status}: {self.message}"

    @property
    def is_auth(self) -> bool:
        return self.status in {401, 403}


@dataclass
class Unreachable(Exception):
    """No usable answer: not connected, timed out, cut off, too large, a redirect, or not the JSON that was expected."""

    service: str
    message: str

    def __str__(self) -> str:
        return f"{self.service}: {self.message}"


class TooSlow(Unreachable):
    """It took the call and was not done answering in time."""


@dataclass(frozen=True)
class Reply:
    status: int
    data: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def _session() -> requests.Session:
    session = requests.Session()
    retry = Retry(
        total=2, connect=2, read=False, status=2, backoff_factor=0.2, backoff_jitter=0.2,
        status_forcelist=(502, 503, 504), allowed_methods=frozenset({"GET"}), raise_on_status=False,
        respect_retry_after_header=False,
    )  # fmt: skip
    adapter = GuardedAdapter(pool_connections=16, pool_maxsize=32, max_retries=retry)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.trust_env = False
    return session


_SESSION = _session()


def call(
    service: str,
    method: str,
    url: str,
    *,
    token: str | None = None,
    basic: tuple[str, str] | None = None,
    params: Mapping[str, str | int | None] | None = None,
    body: bytes | None = None,
    content_type: str = "application/json",
    read_seconds: float = READ_SECONDS,
    hidden: Sequence[str] = (),
    takes_its_time: bool = False,
) -> Reply:
    """One request and its JSON answer. Our credentials, and what else is to stay `hidden`, are cut out of a failure that
    repeats them. `takes_its_time`: how long it takes is not the service's doing (it runs somebody's flow), so that not
    being done within `read_seconds` says nothing against its host.
    Raises UpstreamError, Unreachable, and PassedThrough for 429."""
    headers = {"Accept": "application/json", "X-Request-ID": _request_id()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Type"] = content_type
    sent = {key: value for key, value in (params or {}).items() if value is not None}
    request = requests.Request(method, url, headers=headers, data=body, params=sent, auth=basic or _no_auth).prepare()
    let_go()
    started = time.perf_counter()
    outcome = "unreachable"
    try:
        response, raw = _guarded_exchange(service, request, read_seconds, takes_its_time)
        outcome = f"{response.status_code // 100}xx"
    finally:
        UPSTREAM_SECONDS.labels(service, outcome).observe(time.perf_counter() - started)
    log.info("upstream", service=service, method=method, status=response.status_code)
    if response.status_code >= 400:
        raw = _without(raw, [token or "", basic[1] if basic else "", *hidden])
    return _reply(service, response, raw)


def _without(raw: bytes, secrets: Sequence[str]) -> bytes:
    for secret in secrets:
        raw = raw.replace(secret.encode(), b"[hidden]") if len(secret) >= SHORTEST_SECRET else raw
    return raw


def _guarded_exchange(
    service: str, request: requests.PreparedRequest, read_seconds: float, takes_its_time: bool
) -> tuple[requests.Response, bytes]:
    """Only the transport's failures count against a host: one that refuses is there."""
    breaker = breaker_for(urlsplit(str(request.url)).netloc)
    if not breaker.lets_through():
        raise Unreachable(service, "has not answered for a while and is left alone for some seconds")
    try:
        exchanged = _exchange(service, request, read_seconds)
    except TooSlow:
        if not takes_its_time:
            breaker.failed()
        raise
    except BaseException:
        breaker.failed()
        raise
    breaker.worked()
    return exchanged


def _exchange(service: str, request: requests.PreparedRequest, read_seconds: float) -> tuple[requests.Response, bytes]:
    """Raises Unreachable when it is the transport that failed."""
    try:
        until = time.monotonic() + CONNECT_SECONDS + read_seconds
        timeout = (CONNECT_SECONDS, read_seconds)
        with _SESSION.send(request, timeout=timeout, stream=True, allow_redirects=False) as response:
            return response, _read(service, response, until)
    except (requests.RequestException, HTTPError) as error:
        log.warning("upstream unreachable", service=service, method=request.method, error=type(error).__name__)
        raise _no_answer(service, error) from None


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from looking for a .netrc, which would replace our bearer."""
    return request


def _request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", "req_none"))


def _read(service: str, response: requests.Response, until: float) -> bytes:
    """Piece by piece, as they come: a service that sends a byte a minute is too slow, and one without end too large."""
    pieces, size = [], 0
    while piece := response.raw.read1(64 * 1024, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ANSWER:
            raise Unreachable(service, f"the answer is larger than {MAX_ANSWER} bytes")
        if time.monotonic() > until:
            raise TooSlow(service, TOO_SLOW)
    return b"".join(pieces)


def _reply(service: str, response: requests.Response, raw: bytes) -> Reply:
    status = response.status_code
    if status == 429:
        raise PassedThrough(status=429, body=raw, headers=_passed(response))
    if 300 <= status < 400:
        raise Unreachable(service, f"answered with a redirect ({status}), which is not followed")
    try:
        data = json.loads(raw) if raw.strip() else None
    except json.BadJSON:
        if status < 400:
            raise Unreachable(service, f"answered {status} with something that is not JSON") from None
        data = None
    if status >= 400:
        code, message = error_of(data, status)
        raise UpstreamError(service, status, code, message, data)
    return Reply(status, data, response.headers)


def _passed(response: requests.Response) -> dict[str, str]:
    """Those that callers are meant to read; the first two under the names by which we look for them ourselves."""
    return {
        PASSED_HEADERS.get(name.lower(), name): value
        for name, value in response.headers.items()
        if name.lower() in PASSED_HEADERS or name.lower().startswith(PASSED_PREFIX)
    }


def error_of(data: Any, status: int) -> tuple[str | None, str]:
    """Code and message from any of the envelopes that the services use."""
    inner = data.get("error", data) if isinstance(data, dict) else None
    if isinstance(inner, str):
        return inner, str(data.get("error_description") or inner)[:2000]
    if isinstance(inner, dict):
        code = inner.get("code")
        message = inner.get("message") or inner.get("detail") or f"HTTP {status}"
        return (str(code) if code is not None else None), str(message)[:2000]
    return None, f"HTTP {status}"


def _no_answer(service: str, error: requests.RequestException | HTTPError) -> Unreachable:
    """Words for people, without the address (it may hold more than they should see) and without library names."""
    if isinstance(error, requests.ConnectTimeout):
        return Unreachable(service, TOO_SLOW)
    if isinstance(error, requests.Timeout | ReadTimeoutError):
        return TooSlow(service, TOO_SLOW)
    if isinstance(error, requests.ConnectionError):
        return Unreachable(service, "cannot be reached")
    return Unreachable(service, "the connection broke")


def segment(value: str) -> str:
    """An id as one segment of a path. Raises NotFound for one that would lead elsewhere: dots are taken out of a path on its
    way, however they are written."""
    if not value.strip("."):
        raise NotFound("there is nothing with this id")
    return quote(value, safe="")


def unwrap(data: Any) -> Any:
    """`{"status": "ok", "data": x}` and `{"data": x}` -> x; anything else is the data itself."""
    return data["data"] if isinstance(data, dict) and "data" in data else data


def expect_object(service: str, data: Any) -> dict[str, Any]:
    """Raises Unreachable when the answer is JSON but not the object that it should be."""
    if not isinstance(data, dict):
        raise Unreachable(service, "answered with JSON of an unexpected shape")
    return data
