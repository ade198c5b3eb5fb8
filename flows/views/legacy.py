from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from flows.operations.compiling import DoesNotCompile
from flows.operations.cores import ScaiCoreCompileFailed, ScaiCoreCreateFailed, ScaiCorePublishFailed, ScaiGridAuth
from flows.operations.credentials import MissingScaiGridCredentials
from flows.operations.legacy import deploy_document, require_open, require_shared_token
from flows.serializers.legacy import DevDeployIn, DevDeployOut
from scaiflow.kit.calls import SHARED_TOKEN, Call
from scaiflow.kit.errors import PassedThrough, RateLimited, Unauthenticated
from scaiflow.kit.views import PublicView, read_body
from tenants.authentication import bearer_of

DEPLOY_ERRORS = (
    Unauthenticated, DoesNotCompile, MissingScaiGridCredentials, ScaiGridAuth, ScaiCoreCompileFailed, ScaiCoreCreateFailed,
    ScaiCorePublishFailed, PassedThrough, RateLimited,
)  # fmt: skip
DEPRECATED = {"Deprecation": "true", "Link": '</api/v1/flows/{id}/deploy>; rel="successor-version"'}


class DevDeploy(PublicView):
    methods: ClassVar[set[str]] = {"POST"}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "dev_deploy",
            "A document straight to ScaiGrid, without a stored flow",
            DevDeployOut,
            body=DevDeployIn,
            told=("Deprecation",),
            raises=DEPLOY_ERRORS,
            proof=SHARED_TOKEN,
            deprecated=True,
        ),
    }

    def post(self, request: Request) -> Response:
        require_open()
        require_shared_token(bearer_of(request))
        return Response(deploy_document(**read_body(DevDeployIn, request)))

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Whatever is answered says that this call is on its way out."""
        finished = super().finalize_response(request, response, *args, **kwargs)
        for name, value in DEPRECATED.items():
            finished.headers[name] = value
        return finished
