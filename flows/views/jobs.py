from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.access import job_for
from flows.operations.jobs import AlreadyOver, cancel_job, end_if_lost
from flows.roles import Level
from flows.serializers.jobs import JobListOut, JobOut
from flows.views.base import FlowView
from scaiflow.kit.calls import Call
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import ApiView
from tenants.principals import caller_of

NEWEST = 100


class JobDetail(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("get_job", "A job: its state, its steps, and what it came to", JobOut),
    }

    def get(self, request: Request, job_id: str) -> Response:
        job = job_for(caller_of(request), job_id, level=Level.VIEW)
        return Response(JobOut(end_if_lost(job)).data)


class JobCancel(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call("cancel_job", "Call a job off, unless it is over", JobOut, raises=(AlreadyOver,)),
    }

    def post(self, request: Request, job_id: str) -> Response:
        job = job_for(caller_of(request), job_id, level=Level.DEPLOY)
        return Response(JobOut(cancel_job(job=job, by=caller_of(request))).data)


class FlowJobs(FlowView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    levels: ClassVar[dict[str, Level]] = {"GET": Level.VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_jobs", "The newest 100 jobs of a flow", JobListOut),
    }

    def get(self, request: Request, flow_id: str) -> Response:
        return Response({"items": JobOut(self.flow.jobs.newest_first()[:NEWEST], many=True).data})
