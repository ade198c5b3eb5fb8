"""What browsers let a canvas on another origin do, as the preflight tells them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

CANVAS = "http://localhost:5173"
ROAD = "/api/v1/flows/flow_1"


def preflight(origin: str, header: str) -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": header}
    return Client().options(ROAD, headers=asked)


@pytest.mark.parametrize(
    "header",
    [
        "authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "last-event-id", "prefer",
        "x-request-id",
    ],
)  # fmt: skip
def test_the_canvas_may_send_every_header_that_a_road_reads(header: str) -> None:
    answer = preflight(CANVAS, header)
    assert answer["Access-Control-Allow-Origin"] == CANVAS
    assert header in answer["Access-Control-Allow-Headers"].split(", ")


@pytest.mark.parametrize("header", ["ETag", "Location", "Retry-After", "X-Scaigrid-Ratelimit-Remaining"])
def test_the_canvas_may_read_every_header_that_an_answer_has(db: None, header: str) -> None:
    answer = Client().get(ROAD, headers={"Origin": CANVAS})
    assert header in answer["Access-Control-Expose-Headers"].split(", ")


def test_other_origins_may_nothing() -> None:
    assert "Access-Control-Allow-Origin" not in preflight("https://evil.example", "authorization")
