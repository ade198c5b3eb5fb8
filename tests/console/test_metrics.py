from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Caller

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "wrong"])
def test_there_is_nothing_here_without_the_token(stranger: Caller, settings: Any, header: str) -> None:
    for token in ("", "the-token"):
        settings.METRICS_TOKEN = token
        assert stranger.get("/metrics", headers={"Authorization": header}).status_code == 404


def test_requests_are_counted_by_route_and_never_by_path(ada: Caller, stranger: Caller, settings: Any) -> None:
    settings.METRICS_TOKEN = "the-token"
    ada.get("/api/v1/flows/flow_of_somebody")
    told = stranger.get("/metrics", headers={"Authorization": "Bearer the-token"}).content.decode()
    assert 'scaiflow_requests_total{method="GET",route="api/v1/flows/<id:flow_id>",status="404"}' in told
    assert "flow_of_somebody" not in told
