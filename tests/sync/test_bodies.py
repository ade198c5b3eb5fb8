"""Bodies that come in pieces without a length, at the servers that the product starts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from tests.drawings import greeting
from tests.sync.stage import Stage

pytestmark = [pytest.mark.process, pytest.mark.django_db, pytest.mark.slow]
PIECE = b"x" * 65_536


def sent_in_pieces(server: Stage, pieces: Iterator[bytes]) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", server.ports["server"], timeout=60)
    headers = {"Authorization": f"Bearer {server.token()}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/flows", pieces, headers, encode_chunked=True)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_a_body_in_pieces_is_taken(server: Stage) -> None:
    whole = json.dumps({"name": "In pieces", "content": greeting("y" * 1_000_000)}).encode()
    answer, body = sent_in_pieces(server, (whole[at : at + 65_536] for at in range(0, len(whole), 65_536)))
    assert answer.status == 201, body


def test_one_that_grows_too_large_is_refused_like_one_that_says_so_and_not_kept(
    server: Stage, request: pytest.FixtureRequest
) -> None:
    """256 MiB, against a limit of five. (daphne, which is for development, gathers all of it before it asks us.)"""
    before = server.resident()
    answer, body = sent_in_pieces(server, (PIECE for _ in range(4096)))
    assert answer.status == 413
    assert json.loads(body) == {"detail": "the body is larger than 5308416 bytes"}
    assert answer.getheader("X-Request-ID") in server.log_of()
    assert server.resident() - before < 60_000 or "daphne" in request.node.name
