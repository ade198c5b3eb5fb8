"""A flow's tests: what they are, one run of them, and all runs before it."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest, HttpResponse

from flows.access import require_deployed, test_run_of
from flows.junit import as_junit
from flows.operations.jobs import start_job
from flows.operations.versions import content_of
from flows.roles import JobKind, Level
from flows.serializers.deployments import RunTestsIn
from flows.serializers.test_runs import TestRunDetail
from scaiflow.console.page import FlowPage, validated
from scaiflow.console.reading import names_of
from scaiflow.kit.rights import MANAGE, VIEW

NEWEST = 50


class FlowTests(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW, "POST": Level.DEPLOY}
    tab = "tests"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        runs = list(self.flow.test_runs.defer("results").order_by("-run_at", "-id")[:NEWEST])
        cores = list(dict.fromkeys(self.flow.deployments.newest_first().values_list("core_id", flat=True)[:NEWEST]))
        fixtures = content_of(flow=self.flow).get("tests") or []
        names = names_of(run.run_by for run in runs)
        return self.show("console/flows/tests.html", runs=runs, cores=cores, fixtures=fixtures, names=names)

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        fields = {"core_id": request.POST.get("core_id", ""), "name_filter": request.POST.get("name_filter", "")}
        asked = validated(RunTestsIn, fields)
        require_deployed(self.flow, asked["core_id"])
        job = start_job(flow=self.flow, by=self.principal, kind=JobKind.RUN_TESTS, arguments=asked)
        return self.done("The tests are running.", "job", job_id=job.id)


class FlowTestReport(FlowPage):
    """A run's results as JUnit's XML, for other tools."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}

    def get(self, request: HttpRequest, flow_id: str, run_id: str) -> HttpResponse:
        report = TestRunDetail(test_run_of(self.flow, run_id)).data
        headers = {"Content-Disposition": f'attachment; filename="{run_id}.xml"'}
        return HttpResponse(as_junit(report, suite=self.flow.name), content_type="application/xml", headers=headers)
