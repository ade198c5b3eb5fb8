from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.conftest import Caller

DASHBOARD = Path(__file__).parents[2] / "docker/grafana/scaiflow.json"
LABELS = {"status", "le", "route", "kind", "state", "step", "service", "outcome", "group", "method"}
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


def test_the_dashboard_asks_for_nothing_that_is_not_counted() -> None:
    counted = {sample for family in REGISTRY.collect() for sample in names_of(family)}
    asked = set()
    for panel in json.loads(DASHBOARD.read_bytes())["panels"]:
        for target in panel["targets"]:
            asked |= set(re.findall(r"\b(?:scaiflow|process)_[a-z_]+", target["expr"]))
            for label in re.findall(r"by \(([a-z_, ]+)\)", target["expr"]):
                assert set(label.split(", ")) <= LABELS, target["expr"]
    assert asked <= counted
    assert len(asked) > 6


def names_of(family: Any) -> set[str]:
    endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
    return {family.name + ending for ending in endings}
