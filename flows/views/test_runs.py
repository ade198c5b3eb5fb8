from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from flows.access import require_deployed, test_run_of
from flows.junit import as_junit
from flows.roles import JobKind, Level
from flows.serializers.deployments import RunTestsIn, RunTestsOut
from flows.serializers.test_runs import TestRunDetail, TestRunListOut, TestRunQueryIn, TestRunSummary
from flows.views.base import FlowView
from flows.views.deployments import A_TEST_RUN, JobView
from scaiflow.kit.calls import Call, Raw
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import VIEW
from scaiflow.kit.views import read_body, read_query


def told(request: Request, report: dict[str, Any], *, suite: str) -> HttpResponseBase:
    """JSON, or JUnit's XML for who asks for that (`Accept: application/xml`, `?format=junit`)."""
    wants_xml = "application/xml" in request.headers.get("Accept", "")
    if wants_xml or request.query_params.get("format") == "junit":
        return HttpResponse(as_junit(report, suite=suite), content_type="application/xml")
    return Response(report)


class FlowRunTests(JobView):
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "run_tests",
            "Invoke the deployed Core with each fixture and compare",
            RunTestsOut,
            body=RunTestsIn,
            other=Raw("application/xml"),
            **A_TEST_RUN,
        ),
    }

    def post(self, request: Request, flow_id: str) -> HttpResponseBase:
        arguments = read_body(RunTestsIn, request)
        require_deployed(self.flow, arguments["core_id"])
        return self.run(request, JobKind.RUN_TESTS, **arguments)

    def told(self, request: Request, outcome: dict[str, Any]) -> HttpResponseBase:
        return told(request, outcome, suite=self.flow.name)


class TestRuns(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_test_runs", "Test runs of a flow, newest first", TestRunListOut, query=TestRunQueryIn),
    }

    def get(self, request: Request, flow_id: str) -> Response:
        query = read_query(TestRunQueryIn, request)
        runs, cursor = page_before(self.flow.test_runs.defer("results"), field="run_at", **query)
        return Response({"items": TestRunSummary(runs, many=True).data, "next_cursor": cursor})


class TestRun(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("get_test_run", "A test run with its results", TestRunDetail, other=Raw("application/xml")),
    }

    def get(self, request: Request, flow_id: str, run_id: str) -> HttpResponseBase:
        return told(request, TestRunDetail(test_run_of(self.flow, run_id)).data, suite=self.flow.name)
