"""Publish, published already, un-publish, and what was left half-way."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from flows.models import Deployment, Job
from tests.conftest import Caller
from tests.flows.deploying import CORES, deploy, failure, make
from tests.loopback import Service, Told

pytestmark = pytest.mark.django_db(transaction=True)
PUBLISH, UNPUBLISH = f"{CORES}/core_1/publish", f"{CORES}/core_1/unpublish"


@pytest.mark.parametrize(
    ("config", "body", "groups"),
    [
        ({"publish_as_model": True, "model_visibility_group_ids": ["grp_1"]}, {}, ["grp_1"]),
        ({"publish_as_model": True, "model_visibility_group_ids": ["grp_1"]}, {"group_ids": []}, []),
        ({"publish_as_model": False}, {"publish_as_model": True, "group_ids": ["grp_2"]}, ["grp_2"]),
        ({}, {"publish_as_model": True}, []),
    ],
)
def test_what_the_request_says_of_publishing_goes_before_the_flow(
    ada: Caller, grid: Service, config: dict[str, Any], body: dict[str, Any], groups: list[str]
) -> None:
    told = deploy(ada, make(ada, config=config), **body).json()
    assert (told["published_slug"], told["published_model_id"]) == ("scaicore/demo/greeting", "model_1")
    assert grid.calls("POST", f"{CORES}/core_1/publish")[0].json == {"group_ids": groups}


def test_a_core_that_is_published_already_counts_as_published(ada: Caller, grid: Service) -> None:
    grid.on("POST", f"{CORES}/core_1/publish", failure(400, "BAD_REQUEST", "Core is already published"))
    core = {"id": "core_1", "slug": "greeting", "metadata": {"published_slug": "scaicore/demo/before"}}
    grid.on("GET", f"{CORES}/core_1", Told(200, {"data": core}))
    assert deploy(ada, make(ada), publish_as_model=True).json()["published_slug"] == "scaicore/demo/before"


def test_a_deploy_that_says_so_takes_the_publication_back(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    deploy(ada, flow_id, publish_as_model=True)
    assert deploy(ada, flow_id, publish_as_model=False).json()["published_slug"] is None
    assert grid.road()[-1] == f"POST {CORES}/core_1/unpublish"
    assert deploy(ada, flow_id, publish_as_model=False).status_code == 200
    assert len(grid.calls("POST", f"{CORES}/core_1/unpublish")) == 1


@pytest.mark.parametrize("status", [400, 404])
def test_a_core_that_is_not_published_any_more_counts_as_done(ada: Caller, grid: Service, status: int) -> None:
    flow_id = make(ada)
    deploy(ada, flow_id, publish_as_model=True)
    grid.on("POST", UNPUBLISH, failure(status, "BAD_REQUEST", "Core is not published"))
    assert deploy(ada, flow_id, publish_as_model=False).status_code == 200


def test_a_publication_that_could_not_be_taken_back_is_taken_back_next_time(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    deploy(ada, flow_id, publish_as_model=True)
    grid.on("POST", UNPUBLISH, failure(500), Told(200, {}))
    core = {"id": "core_1", "slug": "greeting", "metadata": {"published_slug": "scaicore/demo/greeting"}}
    grid.on("GET", f"{CORES}/core_1", Told(200, {"data": core}))
    assert deploy(ada, flow_id, publish_as_model=False).json()["detail"]["error"] == "scaicore_publish_failed"
    assert deploy(ada, flow_id, publish_as_model=False).status_code == 200
    assert len(grid.calls("POST", UNPUBLISH)) == 2


def test_a_publish_that_failed_but_was_done_is_found_out_and_taken_back(ada: Caller, grid: Service) -> None:
    grid.on("POST", PUBLISH, Told(200, b"cut", {"Content-Length": "5000", "Connection": "close"}))
    core = {"id": "core_1", "slug": "greeting", "metadata": {"published_slug": "scaicore/demo/greeting"}}
    grid.on("GET", f"{CORES}/core_1", Told(200, {"data": core}))
    flow_id = make(ada)
    deploy(ada, flow_id, publish_as_model=True)
    assert deploy(ada, flow_id, publish_as_model=False).status_code == 200
    assert grid.road()[-2:] == [f"GET {CORES}/core_1", f"POST {UNPUBLISH}"]


def test_a_publish_that_failed_and_was_not_done_needs_no_taking_back(ada: Caller, grid: Service) -> None:
    grid.on("POST", PUBLISH, failure(403))
    grid.on("GET", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1", "slug": "greeting"}}))
    flow_id = make(ada)
    deploy(ada, flow_id, publish_as_model=True)
    assert deploy(ada, flow_id, publish_as_model=False).status_code == 200
    assert not grid.calls("POST", UNPUBLISH)


def test_a_publish_whose_worker_died_is_found_out_and_taken_back(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    deploy(ada, flow_id)
    now = Deployment.objects.get().deployed_at
    progress = [{"step": "publish", "state": "running", "at": now.isoformat()}]
    Job.objects.create(flow_id=flow_id, kind="deploy", state="failed", progress=progress, finished_at=timezone.now())
    core = {"id": "core_1", "metadata": {"published_slug": "scaicore/demo/greeting"}}
    grid.on("GET", f"{CORES}/core_1", Told(200, {"data": core}))
    assert deploy(ada, flow_id).status_code == 200
    assert grid.road()[-1] == f"POST {UNPUBLISH}"


@pytest.mark.parametrize("told", [{"id": "core_1", "slug": "greeting"}, {"metadata": {"published_slug": None}}])
def test_a_core_that_is_published_as_nothing_is_not_told_as_published(
    ada: Caller, grid: Service, told: dict[str, Any]
) -> None:
    """The Core's own slug is another thing than the model's."""
    grid.on("POST", PUBLISH, failure(400, "BAD_REQUEST", "Core is already published"))
    grid.on("GET", f"{CORES}/core_1", Told(200, {"data": told}))
    assert deploy(ada, make(ada), publish_as_model=True).json()["detail"]["error"] == "scaicore_publish_failed"


def test_the_shorter_names_of_the_answer_are_understood(ada: Caller, grid: Service) -> None:
    grid.on("POST", PUBLISH, Told(200, {"slug": "scaicore/demo/short", "model_id": "model_9"}))
    told = deploy(ada, make(ada), publish_as_model=True).json()
    assert (told["published_slug"], told["published_model_id"]) == ("scaicore/demo/short", "model_9")
