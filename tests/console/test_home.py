"""The first page and the page of health: what went wrong, what happened, and which services answer."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flows.models import Deployment, Flow, Job
from flows.operations.flows import create_flow
from scaiflow.console.processes import free_port
from tests.console.conftest import Visit
from tests.console.test_pages import ADA, PARTIAL, road
from tests.console.visitors import Visitor
from tests.drawings import greeting
from tests.loopback import Service, Told, serving


@pytest.fixture
def flow(ada_at: Visitor) -> Flow:
    return create_flow(by=ADA, name="Greeting", description="", content=greeting())


def tested(flow: Flow, *oks: bool, state: str = "succeeded") -> None:
    results = [{"name": f"t{number}", "ok": ok} for number, ok in enumerate(oks)]
    result = {"passed": sum(oks), "failed": len(oks) - sum(oks), "results": results} if state == "succeeded" else None
    Job.objects.create(flow=flow, kind="run_tests", state=state, requested_by="usr_ada", result=result)


def section(page: str, name: str) -> str:
    """The text of a section of the page, by the id of its heading."""
    body = page.partition(f'aria-labelledby="{name}"')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_tests_that_failed_are_told_until_they_pass(ada_at: Visitor, flow: Flow) -> None:
    assert "went well" in section(ada_at.read("/"), "trouble")
    tested(flow, True, False, False)
    told = section(ada_at.read("/"), "trouble")
    assert "2 of 3 tests failed" in told
    assert "Greeting" in told
    tested(flow, True, True, True)
    assert "went well" in section(ada_at.read("/"), "trouble")
    tested(flow, state="failed")
    assert "Test run failed" in section(ada_at.read("/"), "trouble")
    tested(flow, state="cancelled")  # says nothing, so what was before still holds
    assert "Test run failed" in section(ada_at.read("/"), "trouble")


def test_what_happened_lately_is_told_newest_first_and_of_ones_own_flows_alone(
    visit: Visit, ada_at: Visitor, flow: Flow
) -> None:
    Deployment.objects.create(
        flow=flow, core_id="core_1", flow_version="1.0.0", status="deployed", deployed_by="usr_ada"
    )
    told = section(ada_at.read("/"), "activity")
    assert "Ada saved version 1.0.0 of Greeting" in told
    assert told.index("deployed version 1.0.0 of Greeting") < told.index("saved version 1.0.0 of Greeting")
    other = section(visit("usr_colleague").read("/"), "activity")
    assert "Nothing has happened yet" in other
    assert "Greeting" not in other
    ada_at.send(road(flow, "/delete"))
    assert "Greeting" not in section(ada_at.read("/"), "activity")


def test_health_says_of_every_service_whether_it_answers(ada_at: Visitor, scaigrid: Service, settings: Any) -> None:
    scaigrid.on("GET", "/v1/modules/scaibunker/bunkers", Told(429, {}, {"Retry-After": "1"}))
    scaigrid.on("GET", "/v1/modules/scaicore/cores", Told(401, {}))
    settings.SCAIVAULT_BASE_URL = f"http://127.0.0.1:{free_port()}"
    with serving(Service()) as queue:
        settings.SCAIQUEUE_BASE_URL = queue.on("GET", "/scopes", Told(500, {})).url
        page = ada_at.read("/health")
        part = ada_at.get("/health", headers=PARTIAL).content.decode()
    for body in (page, part):
        tiles = re.findall(r'<li class="tile (\w+)"><strong>(\w+)</strong><span class="badge (\w+)">([^<]*)<', body)
        told = {name: (tone, word) for tone, name, badge, word in tiles if badge == tone}
        assert told["ScaiGrid"] == ("good", "answers")  # a refusal is a sign of life
        assert told["ScaiBunker"] == ("good", "answers, and limits the rate")
        assert told["ScaiQueue"] == ("bad", "answers 500")
        assert told["ScaiVault"][0] == "bad"
        assert "cannot be reached" in told["ScaiVault"][1]
        assert told["Database"] == ("good", "ok")
    assert len(scaigrid.calls(path="/v1/modules/scaicore/cores")) == 1  # the second look came within ten seconds
