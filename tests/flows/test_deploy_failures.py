"""The matrix of errors, row by row: the documented answer, and no call after the one that failed."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.models import Deployment, Job
from tests.conftest import Caller
from tests.flows.deploy_matrix import CONTENT, LIMIT_HEADERS, LIMITED, RAW, ROWS, WELL, Row
from tests.flows.deploying import CORES, REVIEW, TOPOLOGY, deploy, make
from tests.loopback import Service, Told
from tests.scaikey import ScaiKey

pytestmark = pytest.mark.django_db(transaction=True)


def go(row: Row, ada: Caller, grid: Service) -> Any:
    """The answer to the deploy that the row is about; of what was before, `grid` has forgotten the calls."""
    flow_id = make(ada, **CONTENT)
    for answers in [] if row.before is None else [row.before]:
        say(grid, answers)
        deploy(ada, flow_id)
    grid.asked.clear()
    Deployment.objects.all().update(flow_version="before")
    say(grid, row.answers)
    return deploy(ada, flow_id, **row.body)


def say(grid: Service, answers: dict[str, Told]) -> None:
    for call, told in answers.items():
        grid.on(*call.split(), told)


@pytest.mark.parametrize("row", WELL)
def test_where_nothing_fails_every_call_of_the_road_is_made(ada: Caller, grid: Service, row: str) -> None:
    assert go(WELL[row], ada, grid).status_code == 200
    assert grid.road() == WELL[row].road


@pytest.mark.parametrize("row", ROWS)
def test_each_failure_has_its_documented_answer_and_ends_the_road(ada: Caller, grid: Service, row: str) -> None:
    wanted = ROWS[row]
    answer = go(wanted, ada, grid)
    assert grid.road() == wanted.road
    if wanted.detail:
        assert (answer.status_code, answer.json()["detail"] | wanted.detail) == (502, answer.json()["detail"])
    else:
        check_limited(answer)
    left = Deployment.objects.exclude(flow_version="before")
    assert [(one.status, one.published_slug) for one in left] == [("publish_failed", None)] * wanted.records
    assert Job.objects.newest_first()[0].state == "failed"


def check_limited(answer: Any) -> None:
    """ScaiGrid's body to the byte, and of its headers those that are documented."""
    assert (answer.status_code, answer.content) == (429, RAW)
    assert LIMIT_HEADERS.items() <= dict(answer.headers).items()
    assert not {"X-Internal", "Set-Cookie"} & set(answer.headers)


def test_a_limited_rate_is_told_again_as_it_was(ada: Caller, grid: Service) -> None:
    """To whoever sends the request again, and to whoever looks at the job."""
    grid.on("POST", CORES, LIMITED, Told(201, {"data": {"id": "core_1"}}))
    flow_id = make(ada)
    for _ in range(2):
        again = {"Idempotency-Key": "once"}
        check_limited(ada.post(f"/api/v1/flows/{flow_id}/deploy", {}, headers=again))
    assert grid.road() == [f"POST {CORES}"]
    error = ada.get(f"/api/v1/jobs/{Job.objects.get().id}").json()["error"]
    assert (error["status"], base64.b64decode(error["body_base64"]), error["headers"]) == (429, RAW, LIMIT_HEADERS)
    assert '{"slow":  "down"}' in error["detail"]


def test_a_body_of_no_type_is_not_given_one(ada: Caller, grid: Service) -> None:
    grid.on("POST", CORES, Told(429, b"<script>", {"Content-Type": ""}))
    answer = deploy(ada, make(ada))
    assert (answer.status_code, answer.content, "Content-Type" in answer.headers) == (429, b"<script>", False)


def test_a_job_from_before_bodies_were_kept_whole_is_still_told(ada: Caller, grid: Service) -> None:
    flow_id, again = make(ada), {"Idempotency-Key": "once"}
    grid.on("POST", CORES, LIMITED)
    ada.post(f"/api/v1/flows/{flow_id}/deploy", {}, headers=again)
    Job.objects.update(error={"status": 429, "body": "slow", "headers": {"Retry-After": "7"}})
    answer = ada.post(f"/api/v1/flows/{flow_id}/deploy", {}, headers=again)
    assert (answer.status_code, answer.content, answer["Retry-After"]) == (429, b"slow", "7")
    assert ada.get(f"/api/v1/jobs/{Job.objects.get().id}").json()["error"] == {"status": 429, "detail": "slow"}


def test_scaigrid_out_of_reach_is_told_without_a_status(ada: Caller, settings: Any) -> None:
    settings.SCAIGRID_BASE_URL = "http://127.0.0.1:9"
    detail = deploy(ada, make(ada)).json()["detail"]
    assert (detail["error"], detail["status"]) == ("scaicore_create_failed", None)


def test_a_flow_that_does_not_compile_is_refused_before_any_call(ada: Caller, grid: Service) -> None:
    answer = deploy(ada, make(ada, nodes=[], edges=[]))
    assert (answer.status_code, answer.json()["detail"]["error"]) == (400, "compile_error")
    assert "flow has no entry-point node" in [d["message"] for d in answer.json()["detail"]["diagnostics"]]
    assert grid.road() == []


def test_queues_without_a_scope_have_no_place_to_be_in(ada: Caller, grid: Service) -> None:
    flow_id = make(ada, config={"scaiqueue": {"queues": [REVIEW]}})
    assert deploy(ada, flow_id).json()["detail"]["error"] == "compile_error"
    told = ada.post(f"/api/v1/flows/{flow_id}/deploy/preview", {}).json()
    assert (told["compiles"], told["queues"]) == (False, None)
    assert grid.asked == []


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_topology_of_nothing_is_nothing_to_provision(ada: Caller, grid: Service, nothing: Any) -> None:
    assert deploy(ada, make(ada, config={"scaiqueue": nothing})).json()["scaiqueue_provisioning"] is None
    assert grid.road() == [f"POST {CORES}"]


def test_scaiqueue_out_of_reach_touches_no_core(ada: Caller, grid: Service, settings: Any) -> None:
    settings.SCAIQUEUE_BASE_URL = "http://127.0.0.1:9"
    detail = deploy(ada, make(ada, config={"scaiqueue": TOPOLOGY})).json()["detail"]
    assert (detail["error"], detail["scope"]) == ("scaiqueue_provision_failed", "support")
    assert grid.asked == []


def test_a_vault_out_of_reach_touches_nothing(ada: Caller, grid: Service, scaikey: ScaiKey, settings: Any) -> None:
    scaikey.on("POST", "/token", Told(200, {"access_token": "svc", "expires_in": 600}))
    settings.SCAIVAULT_BASE_URL = "http://127.0.0.1:9"
    answer = deploy(ada, make(ada, **CONTENT))
    assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "vault")
    assert grid.asked == []


def test_stored_content_that_cannot_be_read_touches_nothing(ada: Caller, grid: Service, empty_storage: Path) -> None:
    flow_id = make(ada)
    shutil.rmtree(empty_storage)
    answer = deploy(ada, flow_id)
    assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "storage")
    assert answer["Retry-After"]
    assert grid.asked == []
