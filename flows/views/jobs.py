from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.access import job_for
from flows.serializers.jobs import JobOut
from scaiflow.kit.rights import VIEW
from scaiflow.kit.views import ApiView
from tenants.principals import caller_of


class JobDetail(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}

    def get(self, request: Request, job_id: str) -> Response:
        return Response(JobOut(job_for(caller_of(request), job_id)).data)
