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
from scaiflow.console.reading import cores_of, names_of
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import MANAGE, VIEW

PAGE = 25


class FlowTests(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW, "POST": Level.DEPLOY}
    tab = "tests"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        cursor = request.GET.get("cursor", "")
        runs, older = page_before(self.flow.test_runs.defer("results"), field="run_at", cursor=cursor, limit=PAGE)
        fixtures = content_of(flow=self.flow).get("tests") or []
        names = names_of(run.run_by for run in runs)
        return self.show(
            "console/flows/tests.html", runs=runs, older=older, cores=cores_of(self.flow), fixtures=fixtures, names=names
        )  # fmt: skip

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        fields = {"core_id": request.POST.get("core_id", ""), "name_filter": request.POST.get("name_filter", "")}
        asked = validated(RunTestsIn, fields)
        require_deployed(self.flow, asked["core_id"])
        job = start_job(flow=self.flow, by=self.principal, kind=JobKind.RUN_TESTS, arguments=asked)
        return self.done("The tests are running.", "job", job_id=job.id)


class FlowTestRun(FlowPage):
    """One run with what was expected and what came, for as long as the run is kept: longer than its job."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    tab = "tests"

    def get(self, request: HttpRequest, flow_id: str, run_id: str) -> HttpResponse:
        run = test_run_of(self.flow, run_id)
        return self.show("console/flows/test_run.html", run=run, report=run, names=names_of([run.run_by]))


class FlowTestReport(FlowPage):
    """A run's results as JUnit's XML, for other tools."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}

    def get(self, request: HttpRequest, flow_id: str, run_id: str) -> HttpResponse:
        report = TestRunDetail(test_run_of(self.flow, run_id)).data
        headers = {"Content-Disposition": f'attachment; filename="{run_id}.xml"'}
        return HttpResponse(as_junit(report, suite=self.flow.name), content_type="application/xml", headers=headers)
