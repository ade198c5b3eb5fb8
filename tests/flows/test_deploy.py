"""Deploy against a ScaiGrid on loopback: the documented answer, one Core a flow, and a record."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from flows.models import Flow, Job
from flows.operations.deploy import deploy as run_deploy
from flows.operations.jobs import wait_for
from flows.operations.working import work_on
from tests.conftest import Caller, SignIn
from tests.drawings import greeting
from tests.flows.deploying import CORES, PATIENCE, QUEUES, TOPOLOGY, deploy, failure, make
from tests.loopback import Asked, Service, Told

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_deploy_answers_the_core_and_leaves_a_record(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    answer = deploy(ada, flow_id)
    assert answer.status_code == 200
    told = answer.json()
    assert told | {"deployment_id": "", "job_id": ""} == {
        "core_id": "core_1",
        "published_slug": None,
        "published_model_id": None,
        "scaiqueue_provisioning": None,
        "deployment_id": "",
        "flow_version": "1.0.0",
        "job_id": "",
    }
    (record,) = ada.get(f"/api/v1/flows/{flow_id}/deployments").json()
    assert (record["id"], record["core_id"], record["deployed_by"]) == (told["deployment_id"], "core_1", "usr_ada")
    assert (record["flow_version"], record["published_slug"], record["status"]) == ("1.0.0", None, "deployed")


@pytest.mark.parametrize("answer", [{"data": {"core_id": "core_7"}}, {"id": "core_7"}, {"core_id": "core_7"}])
def test_the_new_core_is_known_by_either_name_in_an_envelope_or_in_none(
    ada: Caller, grid: Service, answer: dict[str, Any]
) -> None:
    grid.on("POST", CORES, Told(201, answer))
    flow_id = make(ada)
    assert deploy(ada, flow_id).json()["core_id"] == "core_7"
    grid.on("PUT", f"{CORES}/core_7", Told(200, {"data": {}}))
    assert deploy(ada, flow_id).json()["core_id"] == "core_7"
    assert grid.road() == [f"POST {CORES}", f"PUT {CORES}/core_7"]


def test_the_steps_run_in_the_documented_order_and_each_is_told(ada: Caller, grid: Service) -> None:
    flow_id = make(ada, config={"scaiqueue": TOPOLOGY, "publish_as_model": True})
    job_id = deploy(ada, flow_id).json()["job_id"]
    progress = ada.get(f"/api/v1/jobs/{job_id}").json()["progress"]
    assert [entry["step"] for entry in progress] == [
        "read", "credential", "compile", "provision", "core", "publish", "record",
    ]  # fmt: skip
    assert {entry["state"] for entry in progress} == {"done"}
    assert progress == sorted(progress, key=lambda entry: entry["at"])
    assert grid.road() == [
        f"GET {QUEUES}/scopes",
        f"GET {QUEUES}/scopes/sc_1/queues",
        f"POST {CORES}",
        f"POST {CORES}/core_1/publish",
    ]


def test_the_manifest_goes_up_as_yaml_with_the_callers_token(ada: Caller, grid: Service) -> None:
    deploy(ada, make(ada))
    (sent,) = grid.calls("POST", CORES)
    assert sent.headers["Content-Type"] == "application/yaml"
    assert sent.headers["Authorization"] == f"Bearer {ada.token}"
    assert sent.headers["X-Request-ID"].startswith("req_")
    assert sent.body


def test_a_second_deploy_updates_the_same_core(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    deploy(ada, flow_id)
    ada.put(f"/api/v1/flows/{flow_id}", {"content": greeting("Bye {{name}}")})
    assert deploy(ada, flow_id).json()["flow_version"] == "1.0.1"
    assert grid.road() == [f"POST {CORES}", f"PUT {CORES}/core_1"]
    versions = [record["flow_version"] for record in ada.get(f"/api/v1/flows/{flow_id}/deployments").json()]
    assert versions == ["1.0.1", "1.0.0"]


@pytest.mark.parametrize("status", [404, 405])
def test_a_core_that_is_gone_is_made_anew(ada: Caller, grid: Service, status: int) -> None:
    flow_id = make(ada)
    deploy(ada, flow_id)
    grid.on("PUT", f"{CORES}/core_1", failure(status))
    assert deploy(ada, flow_id).status_code == 200
    assert grid.road()[1:] == [f"PUT {CORES}/core_1", f"POST {CORES}"]


def test_a_taken_slug_is_found_and_brought_up_to_date(ada: Caller, grid: Service) -> None:
    grid.on("POST", CORES, failure(409, "SLUG_CONFLICT"))
    pages = [
        Told(200, {"data": {"items": [{"id": "core_0", "slug": "other"}], "next_cursor": "2"}}),
        Told(200, {"data": {"items": [{"id": "core_1", "slug": "greeting"}]}}),
    ]
    grid.on("GET", CORES, *pages)
    assert deploy(ada, make(ada)).json()["core_id"] == "core_1"
    assert [call.query for call in grid.calls("GET", CORES)] == ["limit=100", "limit=100&cursor=2"]


def test_two_flows_of_one_name_never_share_a_core(ada: Caller, grid: Service) -> None:
    deploy(ada, make(ada))
    grid.on("POST", CORES, failure(409, "SLUG_CONFLICT"))
    grid.on("GET", CORES, Told(200, {"data": [{"id": "core_1", "slug": "greeting"}]}))
    refused = deploy(ada, make(ada))
    assert (refused.status_code, refused.json()["detail"]["error"]) == (502, "scaicore_create_failed")
    assert not grid.calls("PUT")


def test_two_flows_of_one_name_that_go_up_at_once_never_share_a_core(ada: Caller, grid: Service) -> None:
    """The first is still at it, so there is no record of its Core yet, when the second meets it under the same slug."""
    second = make(ada)
    told: list[Any] = []

    def the_other_comes_meanwhile(_: Asked) -> Told:
        grid.on("POST", CORES, failure(409, "SLUG_CONFLICT"))
        grid.on("GET", CORES, Told(200, {"data": [{"id": "core_1", "slug": "greeting"}]}))
        try:
            told.append(deploy(Caller(ada.token), second))
        finally:
            connections.close_all()
        return Told(201, {"data": {"id": "core_1"}})

    grid.on("POST", CORES, the_other_comes_meanwhile)
    assert deploy(ada, make(ada)).json()["core_id"] == "core_1"
    assert (told[0].status_code, told[0].json()["detail"]["error"]) == (502, "scaicore_create_failed")
    assert not grid.calls("PUT")


def test_a_slug_that_scaigrid_refused_is_free_for_another_flow(ada: Caller, grid: Service) -> None:
    grid.on("POST", CORES, failure(400, "VERIFIER_ERROR"), Told(201, {"data": {"id": "core_1"}}))
    assert deploy(ada, make(ada)).status_code == 502
    assert deploy(ada, make(ada)).status_code == 200


def test_a_core_whose_deploy_never_ended_is_found_under_the_name_that_it_had(ada: Caller, grid: Service) -> None:
    """ScaiGrid made the Core and its answer was lost; meanwhile the flow got another name."""
    grid.on("POST", CORES, Told(201, b"cut", {"Content-Length": "5000", "Connection": "close"}))
    flow_id = make(ada)
    assert deploy(ada, flow_id).json()["detail"]["error"] == "scaicore_create_failed"
    ada.put(f"/api/v1/flows/{flow_id}", {"name": "Another name"})
    grid.on("GET", CORES, Told(200, {"data": [{"id": "core_1", "slug": "greeting"}]}))
    assert deploy(ada, flow_id).json()["core_id"] == "core_1"
    assert grid.road() == [f"POST {CORES}", f"GET {CORES}", f"PUT {CORES}/core_1"]


@pytest.mark.parametrize("answer", [Told(200, {"data": {"id": "core_1"}}), Told(204), Told(200, {"status": "ok"})])
def test_an_update_need_not_say_again_whose_it_is(ada: Caller, grid: Service, answer: Told) -> None:
    flow_id = make(ada)
    deploy(ada, flow_id)
    grid.on("PUT", f"{CORES}/core_1", answer)
    assert deploy(ada, flow_id).json()["core_id"] == "core_1"


def test_the_list_of_deployments_costs_the_same_however_long_it_is(
    ada: Caller, grid: Service, django_assert_num_queries: Any
) -> None:
    flow_id = make(ada)
    for _ in range(3):
        deploy(ada, flow_id)
    road = f"/api/v1/flows/{flow_id}/deployments"
    with django_assert_num_queries(3):
        listed = ada.get(road).json()
    assert len(listed) == 3
    assert ada.get(f"{road}?limit=2").json() == listed[:2]
    assert [ada.get(f"{road}?limit={bad}").status_code for bad in ("0", "501", "many")] == [422] * 3


def test_a_job_that_is_asked_for_later_is_answered_at_once(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    answer = ada.post(f"/api/v1/flows/{flow_id}/deploy", {}, headers={"Prefer": "wait=10, respond-async"})
    assert answer["Preference-Applied"] == "respond-async"
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    job = Job.objects.get(id=answer.json()["job_id"])
    assert wait_for(job=job, seconds=PATIENCE).is_over
    told = ada.get(answer["Location"]).json()
    assert (told["state"], told["result"]["core_id"], told["kind"]) == ("succeeded", "core_1", "deploy")
    assert [(s["step"], s["state"]) for s in told["progress"]] == [
        ("read", "done"), ("credential", "done"), ("compile", "done"), ("core", "done"), ("record", "done"),
    ]  # fmt: skip


def test_a_job_that_takes_too_long_is_answered_with_its_place(ada: Caller, grid: Service, settings: Any) -> None:
    settings.JOB_WAIT_SECONDS = 0
    answer = deploy(ada, make(ada))
    assert answer.status_code == 202
    assert answer["Location"] == f"/api/v1/jobs/{answer.json()['job_id']}"
    wait_for(job=Job.objects.get(), seconds=PATIENCE)


def test_a_job_is_seen_by_those_who_see_its_flow(
    ada: Caller, olaf: Caller, tara: Caller, sign_in: SignIn, grid: Service
) -> None:
    road = f"/api/v1/jobs/{deploy(ada, make(ada)).json()['job_id']}"
    assert ada.get(road).status_code == tara.get(road).status_code == 200
    assert olaf.get(road).status_code == sign_in("usr_ben").get(road).status_code == 404


def test_a_deleted_flow_cannot_be_deployed(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    ada.delete(f"/api/v1/flows/{flow_id}")
    assert deploy(ada, flow_id).status_code == 404
    assert Flow.objects.get().deployments.count() == 0


def test_a_flow_that_was_deleted_while_its_deploy_waited_is_not_deployed(ada: Caller, grid: Service) -> None:
    flow_id = make(ada)
    job = Job.objects.create(flow_id=flow_id, kind="deploy", arguments={"version": "1.0.0"})
    ada.delete(f"/api/v1/flows/{flow_id}")
    work_on(job_id=job.id, work=run_deploy)
    job.refresh_from_db()
    assert (job.state, job.error["status"], job.error["detail"]) == ("failed", 404, "flow not found")
    assert grid.asked == []


@pytest.mark.parametrize(
    "body", [{"publish_as_model": "yes"}, {"publish_as_model": 1}, {"group_ids": "grp"}, {"group_ids": [7]}]
)
def test_a_body_of_the_wrong_shape_starts_no_job(ada: Caller, grid: Service, body: dict[str, Any]) -> None:
    assert deploy(ada, make(ada), **body).status_code == 422
    assert not Job.objects.exists()


class TestRedeploy:
    def test_an_earlier_version_goes_up_again_as_it_was(self, ada: Caller, grid: Service) -> None:
        flow_id = make(ada)
        first = deploy(ada, flow_id, publish_as_model=True).json()["deployment_id"]
        ada.put(f"/api/v1/flows/{flow_id}", {"content": greeting("Bye {{name}}")})
        deploy(ada, flow_id, publish_as_model=False)
        told = ada.post(f"/api/v1/flows/{flow_id}/deployments/{first}/redeploy", {}).json()
        assert (told["flow_version"], told["core_id"]) == ("1.0.0", "core_1")
        assert told["published_slug"] == "scaicore/demo/greeting"
        assert b"Hello" in grid.calls("PUT")[-1].body
        assert ada.get(f"/api/v1/flows/{flow_id}").json()["version"] == "1.0.1"

    def test_another_flows_deployment_is_not_found(self, ada: Caller, grid: Service) -> None:
        deployment = deploy(ada, make(ada)).json()["deployment_id"]
        other = make(ada, name="Other")
        assert ada.post(f"/api/v1/flows/{other}/deployments/{deployment}/redeploy", {}).status_code == 404
