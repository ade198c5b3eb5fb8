from __future__ import annotations

import pytest

from tests.flows.deploying import CORES, QUEUES, REVIEW
from tests.loopback import Service, Told


@pytest.fixture
def grid(scaigrid: Service) -> Service:
    """A ScaiGrid that says yes to everything."""
    scaigrid.on("POST", CORES, Told(201, {"status": "ok", "data": {"id": "core_1", "slug": "greeting"}}))
    scaigrid.on("PUT", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1"}}))
    published = {"published_slug": "scaicore/demo/greeting", "published_model_id": "model_1"}
    scaigrid.on("POST", f"{CORES}/core_1/publish", Told(200, {"data": published}))
    scaigrid.on("POST", f"{CORES}/core_1/unpublish", Told(200, {"data": {}}))
    scaigrid.on("GET", f"{QUEUES}/scopes", Told(200, {"data": [{"id": "sc_1", "slug": "support"}]}))
    scaigrid.on("GET", f"{QUEUES}/scopes/sc_1/queues", Told(200, {"data": [{"id": "q_1", **REVIEW}]}))
    return scaigrid
