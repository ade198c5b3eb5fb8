from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.operations.legacy import deploy_document, require_open, require_shared_token
from flows.serializers.legacy import DevDeployIn
from scaiflow.kit.views import PublicView, read_body
from tenants.authentication import bearer_of

DEPRECATED = {"Deprecation": "true", "Link": '</api/v1/flows/{id}/deploy>; rel="successor-version"'}


class DevDeploy(PublicView):
    methods: ClassVar[set[str]] = {"POST"}

    def post(self, request: Request) -> Response:
        require_open()
        require_shared_token(bearer_of(request))
        return Response(deploy_document(**read_body(DevDeployIn, request)), headers=DEPRECATED)
