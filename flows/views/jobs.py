from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.access import job_for
from flows.operations.jobs import cancel_job, end_if_lost
from flows.roles import Level
from flows.serializers.jobs import JobOut
from flows.views.base import FlowView
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import ApiView
from tenants.principals import caller_of

NEWEST = 100


class JobDetail(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}

    def get(self, request: Request, job_id: str) -> Response:
        job = job_for(caller_of(request), job_id, level=Level.VIEW)
        return Response(JobOut(end_if_lost(job)).data)


class JobCancel(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}

    def post(self, request: Request, job_id: str) -> Response:
        job = job_for(caller_of(request), job_id, level=Level.DEPLOY)
        return Response(JobOut(cancel_job(job=job, by=caller_of(request))).data)


class FlowJobs(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}

    def get(self, request: Request, flow_id: str) -> Response:
        return Response({"items": JobOut(self.flow.jobs.newest_first()[:NEWEST], many=True).data})
