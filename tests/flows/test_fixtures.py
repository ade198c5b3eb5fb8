"""run-tests: a flow's fixtures against a Core on loopback."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from flows.models import Deployment, Job, TestRun
from flows.operations.fixtures import AT_ONCE
from flows.operations.jobs import wait_for
from tests.conftest import Caller
from tests.drawings import greeting
from tests.flows.deploying import CORES, PATIENCE, failure, make
from tests.loopback import Asked, Service, Told

pytestmark = pytest.mark.django_db(transaction=True)
INVOKE = "/v1/modules/scaicore/cores/core_1/invoke"


def fixture(name: str, expect: Any, **given: Any) -> dict[str, Any]:
    return {"name": name, "input": given, "expect": expect}


@pytest.fixture
def echo(scaigrid: Service) -> Service:
    """A Core that answers its input under "you_said"."""

    def answer(asked: Asked) -> Told:
        output = {"you_said": asked.json["input"], "seen": True}
        return Told(200, {"status": "ok", "data": {"output": output, "execution_id": "exec_1"}})

    return scaigrid.on("POST", INVOKE, answer)


def deployed(ada: Caller, *tests: dict[str, Any]) -> str:
    flow_id = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting(tests=list(tests))}).json()["id"]
    Deployment.objects.create(flow_id=flow_id, core_id="core_1", flow_version="1.0.0", status="deployed")
    return flow_id


def run(caller: Caller, flow_id: str, **body: Any) -> Any:
    return caller.post(f"/api/v1/flows/{flow_id}/run-tests", {"core_id": "core_1", **body})


def test_each_fixture_is_invoked_and_compared(ada: Caller, echo: Service) -> None:
    flow_id = deployed(
        ada, fixture("met", {"you_said": {"n": 1}}, n=1, more=2), fixture("not met", {"you_said": {"n": True}}, n=1)
    )
    told = run(ada, flow_id).json()
    assert (told["passed"], told["failed"]) == (1, 1)
    assert told["results"][0] == {
        "name": "met",
        "ok": True,
        "expect": {"you_said": {"n": 1}},
        "output": {"you_said": {"n": 1, "more": 2}, "seen": True},
        "error": None,
    }
    assert told["results"][1]["ok"] is False


def test_a_name_chooses_fixtures(ada: Caller, echo: Service) -> None:
    flow_id = deployed(ada, fixture("Refund request", {}), fixture("Question", {}))
    assert [result["name"] for result in run(ada, flow_id, name_filter="Refund").json()["results"]] == [
        "Refund request"
    ]


def test_an_upstream_that_fails_is_that_fixtures_error(ada: Caller, scaigrid: Service) -> None:
    answers = [
        Told(500, {"error": {"code": "BOOM", "message": "it broke"}}), Told(429, b"\xff"), Told(200, b"<html>"),
        Told(200, {"data": {"output": {}}}),
    ]  # fmt: skip
    scaigrid.on("POST", INVOKE, lambda asked: answers[asked.json["input"]["n"]])
    told = run(ada, deployed(ada, *(fixture(str(n), {}, n=n) for n in range(4)))).json()
    assert [result["ok"] for result in told["results"]] == [False, False, False, True]
    assert "it broke" in told["results"][0]["error"]
    assert "429" in told["results"][1]["error"]
    assert (told["passed"], told["failed"]) == (1, 3)


def test_a_bare_output_is_understood(ada: Caller, scaigrid: Service) -> None:
    scaigrid.on("POST", INVOKE, Told(200, {"intent": "complaint"}))
    assert run(ada, deployed(ada, fixture("bare", {"intent": "complaint"}))).json()["passed"] == 1


def test_a_flow_without_fixtures_passes_none(ada: Caller, echo: Service) -> None:
    told = run(ada, deployed(ada)).json()
    assert (told["results"], told["passed"], told["failed"]) == ([], 0, 0)


def test_a_core_that_is_not_this_flows_is_not_found(ada: Caller, echo: Service) -> None:
    flow_id = deployed(ada, fixture("never run", {}))
    assert run(ada, flow_id, core_id="core_of_another").status_code == 404
    assert echo.road() == []


@pytest.mark.parametrize("body", [{"core_id": None}, {"core_id": 7}, {"name_filter": []}])
def test_a_body_of_the_wrong_shape_is_refused(ada: Caller, echo: Service, body: dict[str, Any]) -> None:
    assert run(ada, deployed(ada, fixture("never run", {})), **body).status_code == 422
    assert echo.road() == []


@pytest.mark.parametrize("asked", [{"headers": {"Accept": "application/xml"}}, {"query_params": {"format": "junit"}}])
def test_results_come_as_junit_when_that_is_asked_for(ada: Caller, echo: Service, asked: dict[str, Any]) -> None:
    flow_id = deployed(ada, fixture("met", {"seen": True}), fixture("not met", {"seen": False}))
    answer = ada.post(f"/api/v1/flows/{flow_id}/run-tests", {"core_id": "core_1"}, **asked)
    assert answer["Content-Type"] == "application/xml"
    assert b'tests="2" failures="1" errors="0"' in answer.content


def test_fixtures_run_side_by_side_and_are_told_in_their_order(ada: Caller, scaigrid: Service) -> None:
    together = threading.Barrier(AT_ONCE, timeout=PATIENCE)

    def answer(asked: Asked) -> Told:
        together.wait()
        return Told(200, {"data": {"output": asked.json["input"]}})

    scaigrid.on("POST", INVOKE, answer)
    flow_id = deployed(ada, *(fixture(str(n), {"n": n}, n=n) for n in range(AT_ONCE)))
    told = run(ada, flow_id).json()
    assert [(result["name"], result["ok"]) for result in told["results"]] == [(str(n), True) for n in range(AT_ONCE)]
    assert len({call.headers["X-Request-ID"] for call in scaigrid.asked}) == 1


def test_no_more_than_a_few_fixtures_run_at_once(ada: Caller, scaigrid: Service) -> None:
    lock, running, most = threading.Lock(), [0], [0]

    def answer(asked: Asked) -> Told:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.03)
        with lock:
            running[0] -= 1
        return Told(200, {})

    scaigrid.on("POST", INVOKE, answer)
    run(ada, deployed(ada, *(fixture(str(n), {}) for n in range(3 * AT_ONCE))))
    assert most[0] <= AT_ONCE  # that as many do run side by side is proven above
    assert len(scaigrid.asked) == 3 * AT_ONCE


def test_a_test_run_that_is_called_off_leaves_the_rest_out(
    ada: Caller, scaigrid: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one ends, so that the job looks whether it is still wanted; the others not before it has given up."""
    come, first, others = threading.Semaphore(0), threading.Event(), threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            others.set()
            super().shutdown(wait=wait)

    def answer(asked: Asked) -> Told:
        come.release()
        (first if asked.json["input"] == {"n": 0} else others).wait(PATIENCE)
        return Told(200, {})

    monkeypatch.setattr("flows.operations.fixtures.ThreadPoolExecutor", Pool)
    scaigrid.on("POST", INVOKE, answer)
    flow_id = deployed(ada, *(fixture(str(n), {}, n=n) for n in range(5 * AT_ONCE)))
    road = f"/api/v1/flows/{flow_id}/run-tests"
    job_id = ada.post(road, {"core_id": "core_1"}, headers={"Prefer": "respond-async"}).json()["job_id"]
    for _ in range(AT_ONCE):
        assert come.acquire(timeout=PATIENCE)
    ada.post(f"/api/v1/jobs/{job_id}/cancel")
    first.set()
    assert wait_for(job=Job.objects.get(id=job_id), seconds=PATIENCE).state == "cancelled"
    assert len(scaigrid.asked) < 5 * AT_ONCE
    assert not TestRun.objects.exists()


def test_slow_fixtures_say_nothing_against_scaigrid(
    ada: Caller, scaigrid: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six in a row would shut out everybody who shares that ScaiGrid."""
    monkeypatch.setattr("flows.operations.fixtures.FIXTURE_SECONDS", 0.05)
    over = threading.Event()
    scaigrid.on("POST", INVOKE, lambda asked: Told(200, {"late": over.wait(PATIENCE)}))
    flow_id = deployed(ada, *(fixture(str(n), {}) for n in range(6)))
    told = run(ada, flow_id).json()
    over.set()
    assert {result["error"] for result in told["results"]} == {"scaigrid: did not answer in time"}
    scaigrid.on("PUT", "/v1/modules/scaicore/cores/core_1", Told(200, {}))
    assert ada.post(f"/api/v1/flows/{flow_id}/deploy", {}).status_code == 200


def test_a_fixture_without_a_name_is_known_by_its_place(ada: Caller, echo: Service) -> None:
    told = run(ada, deployed(ada, fixture("first", {}), {"input": {}, "expect": {}})).json()
    assert [result["name"] for result in told["results"]] == ["first", "test 2"]


class TestTestRuns:
    def test_results_are_kept_with_the_versions_that_they_are_of(self, ada: Caller, echo: Service) -> None:
        flow_id = deployed(ada, fixture("met", {"seen": True}), fixture("not met", {"seen": False}))
        ada.put(f"/api/v1/flows/{flow_id}", {"content": greeting(tests=[fixture("later", {"seen": True})])})
        told = run(ada, flow_id, name_filter="late").json()
        assert (told["flow_version"], told["tests_version"], told["core_id"]) == ("1.0.0", "1.0.1", "core_1")
        kept = ada.get(f"/api/v1/flows/{flow_id}/test-runs/{told['run_id']}").json()
        assert kept["results"] == told["results"]
        assert {name: kept[name] for name in ("job_id", "passed", "failed", "run_by", "name_filter")} == {
            "job_id": told["job_id"], "passed": 1, "failed": 0, "run_by": "usr_ada", "name_filter": "late",
        }  # fmt: skip

    def test_they_are_listed_newest_first_without_their_results(
        self, ada: Caller, echo: Service, django_assert_num_queries: Any
    ) -> None:
        flow_id = deployed(ada, fixture("met", {"seen": True}))
        ids = [run(ada, flow_id).json()["run_id"] for _ in range(3)]
        road = f"/api/v1/flows/{flow_id}/test-runs"
        with django_assert_num_queries(3):
            page = ada.get(road, query_params={"limit": 2}).json()
        assert [item["id"] for item in page["items"]] == ids[:0:-1]
        assert "results" not in page["items"][0]
        rest = ada.get(road, query_params={"cursor": page["next_cursor"]}).json()
        assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == (ids[:1], None)

    def test_they_come_as_junit_too(self, ada: Caller, echo: Service) -> None:
        flow_id = deployed(ada, fixture("met", {"seen": True}))
        run_id = run(ada, flow_id).json()["run_id"]
        answer = ada.get(f"/api/v1/flows/{flow_id}/test-runs/{run_id}", headers={"Accept": "application/xml"})
        assert answer["Content-Type"] == "application/xml"
        assert b'tests="1" failures="0" errors="0"' in answer.content

    def test_another_flows_run_is_not_found(self, ada: Caller, echo: Service) -> None:
        run_id = run(ada, deployed(ada)).json()["run_id"]
        other = ada.post("/api/v1/flows", {"name": "Other", "content": greeting()}).json()["id"]
        assert ada.get(f"/api/v1/flows/{other}/test-runs/{run_id}").status_code == 404


def test_what_is_deployed_meanwhile_is_not_what_was_tested(ada: Caller, scaigrid: Service) -> None:
    flow_id = deployed(ada, fixture("first", {"seen": True}))

    def answer(asked: Asked) -> Told:
        Deployment.objects.create(flow_id=flow_id, core_id="core_1", flow_version="1.0.1", status="deployed")
        connections.close_all()
        return Told(200, {"data": {"output": {"seen": True}}})

    scaigrid.on("POST", INVOKE, answer)
    told = run(ada, flow_id).json()
    assert told["flow_version"] == "1.0.0"
    assert TestRun.objects.get(id=told["run_id"]).flow_version == "1.0.0"


class TestNul:
    """JSON may hold U+0000 and PostgreSQL keeps it nowhere, so it is in nothing that is stored."""

    def nothing_stored_holds_it(self) -> None:
        rows = [*Job.objects.values(), *TestRun.objects.values(), *Deployment.objects.values()]
        assert "\\u0000" not in json.dumps(rows, default=str)

    def test_what_a_core_answers_is_kept_without_it(self, ada: Caller, scaigrid: Service) -> None:
        output = {"said": "a\0b", "ke\0y": ["\0"]}
        scaigrid.on("POST", INVOKE, Told(200, {"data": {"output": output}}))
        flow_id = deployed(ada, fixture("na\0me", {"said": "a\0b"}))
        answer = run(ada, flow_id)
        assert answer.status_code == 200
        (told,) = answer.json()["results"]
        assert (told["name"], told["ok"], told["output"]) == ("name", True, {"said": "ab", "key": [""]})
        assert Job.objects.get().progress[0]["step"] == "name"
        self.nothing_stored_holds_it()

    def test_a_core_that_fails_with_it_is_told_without_it(self, ada: Caller, scaigrid: Service) -> None:
        scaigrid.on("POST", INVOKE, failure(500, "C\0", "bro\0ken"))
        told = run(ada, deployed(ada, fixture("only", {}))).json()
        assert told["results"][0]["error"] == "scaigrid answered 500: broken"
        self.nothing_stored_holds_it()

    def test_a_deploy_that_fails_with_it_ends_with_its_own_error(self, ada: Caller, scaigrid: Service) -> None:
        scaigrid.on("POST", CORES, failure(500, "C\0", "bro\0ken"))
        answer = ada.post(f"/api/v1/flows/{make(ada)}/deploy", {})
        assert answer.status_code == 502
        detail = answer.json()["detail"]
        assert (detail["error"], detail["message"], detail["code"]) == ("scaicore_create_failed", "broken", "C")
        self.nothing_stored_holds_it()


def test_a_fixture_that_takes_too_long_is_its_own_failure(
    ada: Caller, scaigrid: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.operations.fixtures.FIXTURE_SECONDS", 0.2)
    over = threading.Event()
    scaigrid.on("POST", INVOKE, lambda asked: Told(200, {"late": over.wait(PATIENCE)}))
    told = run(ada, deployed(ada, fixture("slow", {}))).json()
    over.set()
    assert told["results"][0]["error"] == "scaigrid: did not answer in time"
