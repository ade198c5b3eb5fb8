from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from rest_framework.request import Request
from rest_framework.response import Response

from lookups.failures import ERRORS
from lookups.operations.scaibunker import list_bunkers
from lookups.operations.scaigrid import KEPT_SECONDS, list_models
from lookups.operations.scaiqueue import list_queues, list_scopes
from lookups.serializers.lookups import BunkersOut, ModelsOut, QueuesOut, ScopesOut
from scaiflow.kit.calls import Call
from scaiflow.kit.rights import VIEW
from scaiflow.kit.views import ApiView
from tenants.principals import caller_of


class Scopes(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_scopes", "ScaiQueue's scopes", ScopesOut, raises=ERRORS),
    }

    def get(self, request: Request) -> Response:
        return Response({"data": list_scopes(by=caller_of(request))})


class ScopeQueues(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_queues", "The queues of a scope", QueuesOut, raises=ERRORS),
    }

    def get(self, request: Request, scope_id: str) -> Response:
        return Response({"data": list_queues(by=caller_of(request), scope_id=scope_id)})


class Bunkers(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_bunkers", "ScaiBunker's bunkers that can be used", BunkersOut, raises=ERRORS),
    }

    def get(self, request: Request) -> Response:
        return Response({"data": list_bunkers(by=caller_of(request))})


class Models(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "list_models",
            "ScaiGrid's models",
            ModelsOut,
            headers=("If-None-Match",),
            told=("ETag",),
            also={304: None},
            raises=ERRORS,
        ),
    }

    def get(self, request: Request) -> HttpResponseBase | None:
        catalogue = list_models(by=caller_of(request))
        response = Response({"data": catalogue.models}, headers={"ETag": catalogue.etag})
        patch_cache_control(response, private=True, max_age=KEPT_SECONDS)
        patch_vary_headers(response, ["Authorization"])
        return get_conditional_response(request, etag=catalogue.etag, response=response)
