"""Deploys: what they would do, how they go, what came of them; and jobs of any kind while they run."""

from __future__ import annotations

import json
import secrets
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse

from flows.access import deployment_of, job_for, level_on
from flows.models import Job
from flows.operations.jobs import cancel_job, end_if_lost, start_job
from flows.operations.previews import preview_deploy
from flows.operations.redeploys import redeploy
from flows.roles import JobKind, Level
from flows.serializers.deployments import DeployIn
from flows.serializers.jobs import JobOut
from scaiflow.console.choosing import chosen_groups, groups_to_choose
from scaiflow.console.page import FlowPage, Page, validated
from scaiflow.console.reading import live_deployments, names_of
from scaiflow.kit.pagination import page_before
from scaiflow.kit.rights import MANAGE, VIEW

PAGE, LATEST = 50, 5
PUBLISH = {"": None, "yes": True, "no": False}


def asked_of(form: Any) -> dict[str, Any]:
    """The body that the API takes, from the form."""
    asked = {"publish_as_model": PUBLISH.get(form.get("publish", "")), "group_ids": chosen_groups(form)}
    return validated(DeployIn, asked)


class FlowDeploying(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW, "POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW, "POST": Level.DEPLOY}
    tab = "deploy"

    def get(self, request: HttpRequest, flow_id: str, deployment_id: str = "") -> HttpResponse:
        cursor = request.GET.get("cursor", "")
        rows, older = page_before(self.flow.deployments.all(), field="deployed_at", cursor=cursor, limit=PAGE)
        jobs = list(self.flow.jobs.filter(kind=JobKind.DEPLOY).newest_first()[:LATEST])
        names = names_of([*(row.deployed_by for row in rows), *(job.requested_by for job in jobs)])
        return self.show(
            "console/flows/deploy.html", rows=rows, older=older, jobs=jobs, names=names,
            **groups_to_choose(self.flow.tenant_id),
            live=live_deployments([self.flow]).get(self.flow.id), key=secrets.token_urlsafe(12),
        )  # fmt: skip

    def post(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        """The key in the form makes a second click the same deploy."""
        asked, key = asked_of(request.POST), request.POST.get("key", "")[:255] or None
        job = start_job(flow=self.flow, by=self.principal, kind=JobKind.DEPLOY, arguments=asked, idempotency_key=key)
        return self.done("The deploy is on its way.", "job", job_id=job.id)


class FlowDeployPreview(FlowPage):
    permissions: ClassVar[dict[str, str]] = {"GET": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.DEPLOY}
    tab = "deploy"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        told = preview_deploy(flow=self.flow, by=self.principal, **asked_of(request.GET))
        template = "console/flows/deploy_preview.html" if self.is_partial else "console/flows/deploy_preview_page.html"
        return self.show(template, told=told)


class FlowRollback(FlowDeploying):
    """An earlier deployment's version once more."""

    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.DEPLOY}

    def post(self, request: HttpRequest, flow_id: str, deployment_id: str = "") -> HttpResponse:
        record = deployment_of(self.flow, deployment_id)
        job = redeploy(record=record, by=self.principal)
        return self.done(f"Version {record.flow_version} is on its way back.", "job", job_id=job.id)


class FlowJobs(FlowPage):
    """Every deploy and test run that was asked for, also those that failed or were called off."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    tab = "deploy"

    def get(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        cursor = request.GET.get("cursor", "")
        rows, older = page_before(self.flow.jobs.all(), field="created_at", cursor=cursor, limit=PAGE)
        names = names_of(job.requested_by for job in rows)
        return self.show("console/flows/jobs.html", rows=rows, older=older, names=names)


class JobProgress(Page):
    """A job while it runs, and what came of it."""

    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    section = "flows"

    def get(self, request: HttpRequest, job_id: str) -> HttpResponse:
        job = end_if_lost(job_for(self.principal, job_id, level=Level.VIEW))
        template = "console/jobs/progress.html" if self.is_partial else "console/jobs/job.html"
        names = names_of([job.requested_by])
        can_stop = self.principal.may(MANAGE) and level_on(self.principal, job.flow) >= Level.DEPLOY
        return self.show(template, job=job, error=job_error(job), names=names, flow=job.flow, can_stop=can_stop)


def job_error(job: Job) -> dict[str, Any] | None:
    """`{status, message, fix, diagnostics}` of a job that failed."""
    error = JobOut(job).data["error"]
    if error is None:
        return None
    detail = error["detail"]
    if isinstance(detail, dict):
        return {"status": error["status"], **detail}
    text = detail if isinstance(detail, str) else json.dumps(detail)
    return {"status": error["status"], "message": text}


class JobStop(JobProgress):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}

    def post(self, request: HttpRequest, job_id: str) -> HttpResponse:
        job = job_for(self.principal, job_id, level=Level.DEPLOY)
        cancel_job(job=job, by=self.principal)
        return self.done("Asked to stop: it ends before its next step that can be left out.", "job", job_id=job_id)
