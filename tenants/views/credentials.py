"""A tenant's own ScaiGrid key: never shown again once it is set."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from scaiflow.kit.calls import Call
from scaiflow.kit.errors import NotAllowed
from scaiflow.kit.rights import ANY
from scaiflow.kit.views import ApiView, read_body
from tenants.operations.credentials import credential_status, delete_credential, set_credential
from tenants.operations.vault import BadSecretPath
from tenants.principals import caller_of
from tenants.serializers.credentials import CredentialIn, CredentialOut


class ScaiGridCredentials(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": ANY, "POST": ANY, "DELETE": ANY}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "get_credential",
            "Whether the tenant has a ScaiGrid key of its own, masked",
            CredentialOut,
            raises=(BadSecretPath,),
        ),
        "POST": Call(
            "set_credential",
            "Set it (the tenant's admins); it is never shown again",
            status=204,
            body=CredentialIn,
            raises=(NotAllowed, BadSecretPath),
        ),
        "DELETE": Call(
            "delete_credential", "Forget it (the tenant's admins)", status=204, raises=(NotAllowed, BadSecretPath)
        ),
    }

    def get(self, request: Request) -> Response:
        return Response(credential_status(tenant_id=caller_of(request).tenant_id))

    def post(self, request: Request) -> Response:
        set_credential(by=caller_of(request), **read_body(CredentialIn, request))
        return Response(status=204)

    def delete(self, request: Request) -> Response:
        delete_credential(by=caller_of(request))
        return Response(status=204)
