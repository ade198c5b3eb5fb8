from __future__ import annotations

import re
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponseBase
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from flows.access import deployment_of
from flows.operations.compiling import DoesNotCompile
from flows.operations.cores import ScaiCoreCompileFailed, ScaiCoreCreateFailed, ScaiCorePublishFailed, ScaiGridAuth
from flows.operations.credentials import MissingScaiGridCredentials
from flows.operations.jobs import outcome_of, start_job, wait_for
from flows.operations.previews import preview_deploy
from flows.operations.queues import ScaiQueueAuth, ScaiQueueProvisionFailed
from flows.operations.redeploys import redeploy_arguments
from flows.roles import JobKind, Level
from flows.serializers.deployments import DeployIn, DeploymentOut, DeploymentsIn, DeployOut, DeployPreviewOut
from flows.serializers.jobs import JobStartedOut
from flows.views.base import FlowView
from scaiflow.kit.calls import Call
from scaiflow.kit.errors import Conflict, PassedThrough, Unprocessable
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import read_body, read_query
from tenants.operations.vault import BadSecretPath
from tenants.principals import caller_of

A_JOB: dict[str, Any] = {
    "headers": ("Prefer", "Idempotency-Key"),
    "also": {202: JobStartedOut},
    "raises": (
        DoesNotCompile, MissingScaiGridCredentials, ScaiQueueAuth, ScaiQueueProvisionFailed, ScaiGridAuth,
        ScaiCoreCompileFailed, ScaiCoreCreateFailed, ScaiCorePublishFailed, PassedThrough, Conflict,
        BadSecretPath,
    ),
}  # fmt: skip
A_TEST_RUN: dict[str, Any] = A_JOB | {"raises": (MissingScaiGridCredentials, BadSecretPath, Conflict)}
SANE_KEY = re.compile(r"[ -~]{1,255}")


class Deployments(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "list_deployments", "Where a flow was deployed, newest first", DeploymentOut(many=True), query=DeploymentsIn
        ),
    }

    def get(self, request: Request, flow_id: str) -> Response:
        """All of them, unless `limit` asks for less."""
        most = read_query(DeploymentsIn, request).get("limit")
        return Response(DeploymentOut(self.flow.deployments.newest_first()[:most], many=True).data)


def read_key(request: Request) -> str | None:
    """The Idempotency-Key header. Raises Unprocessable unless it is 1 to 255 printable ASCII characters."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not SANE_KEY.fullmatch(key):
        message = "must be 1 to 255 printable ASCII characters"
        raise Unprocessable.at("header", "Idempotency-Key", msg=message, type="value_error")
    return key


def wanted_later(request: Request) -> bool:
    """`Prefer: respond-async`, among whatever else is preferred. (RFC 7240)"""
    preferences = request.headers.get("Prefer", "").lower().split(",")
    return any(preference.split(";")[0].strip() == "respond-async" for preference in preferences)


class JobView(FlowView):
    """A POST that is a job: answered as documented when the job is done in time and was not asked for later, else with
    the place where the job can be looked at."""

    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.DEPLOY}

    def run(self, request: Request, kind: JobKind, **arguments: Any) -> HttpResponseBase:
        key = read_key(request)
        job = start_job(flow=self.flow, by=caller_of(request), kind=kind, arguments=arguments, idempotency_key=key)
        headers = {"Location": reverse("job", kwargs={"job_id": job.id})}
        if wanted_later(request):
            headers["Preference-Applied"] = "respond-async"
        elif wait_for(job=job, seconds=settings.JOB_WAIT_SECONDS).is_over:
            return self.told(request, outcome_of(job))
        return Response({"job_id": job.id, "state": job.state}, status=202, headers=headers)

    def told(self, request: Request, outcome: dict[str, Any]) -> HttpResponseBase:
        return Response(outcome)


class FlowDeploy(JobView):
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "deploy_flow", "Compile the newest version and put it into its Core", DeployOut, body=DeployIn, **A_JOB
        ),
    }

    def post(self, request: Request, flow_id: str) -> HttpResponseBase:
        return self.run(request, JobKind.DEPLOY, **read_body(DeployIn, request))


class DeploymentRedeploy(JobView):
    """The version of an earlier deployment once more, published as it was then unless the body says otherwise."""

    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "redeploy",
            "An earlier deployment once more: the way back when a deploy was wrong",
            DeployOut,
            body=DeployIn,
            **A_JOB,
        ),
    }

    def post(self, request: Request, flow_id: str, deployment_id: str) -> HttpResponseBase:
        asked = read_body(DeployIn, request)
        record = deployment_of(self.flow, deployment_id)
        return self.run(request, JobKind.DEPLOY, **redeploy_arguments(record, asked))


class DeployPreview(FlowView):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    levels: ClassVar[dict[str, Level]] = {"POST": Level.DEPLOY}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "preview_deploy",
            "What a deploy would do, without doing it",
            DeployPreviewOut,
            body=DeployIn,
            raises=(
                MissingScaiGridCredentials,
                BadSecretPath,
                ScaiQueueAuth,
                ScaiQueueProvisionFailed,
                ScaiCorePublishFailed,
                PassedThrough,
            ),
        ),
    }

    def post(self, request: Request, flow_id: str) -> Response:
        asked = read_body(DeployIn, request)
        return Response(preview_deploy(flow=self.flow, by=caller_of(request), **asked))
