"""The preview of a deploy tells what would happen, and nothing does."""

from __future__ import annotations

from typing import Any

import pytest

from flows.models import Core, Deployment, Job
from scaiflow.kit.models import AuditEntry
from tests.conftest import Caller
from tests.drawings import greeting
from tests.flows.deploying import CORES, QUEUES, REVIEW, TOPOLOGY, deploy, failure, make
from tests.loopback import Service, Told

pytestmark = pytest.mark.django_db(transaction=True)


def rows() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Core, Deployment, Job, AuditEntry)]


class TestPreview:
    def preview(self, caller: Caller, flow_id: str, **body: Any) -> Any:
        return caller.post(f"/api/v1/flows/{flow_id}/deploy/preview", body).json()

    def test_a_first_deploy_would_make_a_core(self, ada: Caller, grid: Service) -> None:
        told = self.preview(ada, make(ada, config={"publish_as_model": True}))
        assert (told["compiles"], told["core"], told["publication"]) == (True, "create", "publish")
        assert told["live"] is told["same_as_live"] is told["diff"] is told["queues"] is None
        assert grid.road() == []

    def test_a_core_whose_deploy_died_before_its_record_would_be_updated(self, ada: Caller, grid: Service) -> None:
        flow_id = make(ada)
        Core.objects.create(flow_id=flow_id, tenant_id="tnt_demo", slug="greeting", core_id="core_1")
        told = self.preview(ada, flow_id)
        assert (told["core"], told["live"]) == ("update", None)
        assert deploy(ada, flow_id).status_code == 200
        assert f"PUT {CORES}/core_1" in grid.road()
        assert f"POST {CORES}" not in grid.road()

    def test_what_changed_since_the_last_deploy_is_told(self, ada: Caller, grid: Service) -> None:
        flow_id = make(ada)
        deploy(ada, flow_id, publish_as_model=True)
        assert self.preview(ada, flow_id)["same_as_live"] is True
        ada.put(f"/api/v1/flows/{flow_id}", {"content": greeting("Bye")})
        told = self.preview(ada, flow_id, publish_as_model=False)
        assert (told["same_as_live"], told["core"], told["publication"]) == (False, "update", "unpublish")
        assert told["live"]["core_id"] == "core_1"
        assert told["diff"]["summary"] == "1 node changed"

    def test_queues_are_looked_at_and_nothing_is_written(self, ada: Caller, grid: Service) -> None:
        more = [REVIEW, REVIEW | {"slug": "new"}, REVIEW | {"slug": "odd", "max_retries": 9}]
        there = [{"id": "q_1", **REVIEW}, {"id": "q_3", **REVIEW, "slug": "odd"}]
        grid.on("GET", f"{QUEUES}/scopes/sc_1/queues", Told(200, {"data": there}))
        told = self.preview(ada, make(ada, config={"scaiqueue": {"scope": "support", "queues": more}}))
        assert told["queues"] == {
            "scope": "support",
            "scope_exists": True,
            "create": ["new"],
            "existing": ["review"],
            "conflicts": ["odd"],
        }
        assert {asked.method for asked in grid.asked} == {"GET"}

    def test_a_flow_that_does_not_compile_says_why(self, ada: Caller, grid: Service) -> None:
        told = self.preview(ada, make(ada, nodes=[], edges=[]))
        assert (told["compiles"], told["manifest_digest"]) == (False, None)
        assert told["diagnostics"]

    def test_whatever_there_is_to_do_nothing_is_written_anywhere(self, ada: Caller, grid: Service) -> None:
        """All of it at once: queues to make, a Core to update, a publish that was left half-way to look at."""
        grid.on("GET", f"{QUEUES}/scopes", Told(200, {"data": []}))
        flow_id = make(ada, config={"scaiqueue": TOPOLOGY})
        Deployment.objects.create(flow_id=flow_id, core_id="core_1", flow_version="1.0.0", status="publish_failed")
        grid.on("GET", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1", "metadata": {"published_slug": "s"}}}))
        before = rows()
        told = self.preview(ada, flow_id, publish_as_model=False)
        assert (told["queues"]["scope_exists"], told["queues"]["create"]) == (False, ["review"])
        assert (told["core"], told["publication"]) == ("update", "unpublish")
        assert {asked.method for asked in grid.asked} == {"GET"}
        assert grid.road() == [f"GET {QUEUES}/scopes", f"GET {CORES}/core_1"]
        assert rows() == before

    def test_what_cannot_be_looked_at_is_told_as_the_deploy_would(self, ada: Caller, grid: Service) -> None:
        grid.on("GET", f"{QUEUES}/scopes", failure(403))
        answer = ada.post(f"/api/v1/flows/{make(ada, config={'scaiqueue': TOPOLOGY})}/deploy/preview", {})
        assert (answer.status_code, answer.json()["detail"]["error"]) == (502, "scaiqueue_auth")

    def test_a_saved_layout_is_no_difference(self, ada: Caller, grid: Service) -> None:
        flow_id = make(ada)
        deploy(ada, flow_id)
        moved = greeting()
        moved["nodes"][0]["position"] = {"x": 500, "y": 500}
        ada.put(f"/api/v1/flows/{flow_id}", {"content": moved})
        assert self.preview(ada, flow_id)["diff"]["layout_only"] is True
