from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from lookups.failures import PROXIED
from lookups.operations.scaicore import invoke_core, list_checkpoints, list_events, resolve_checkpoint
from lookups.serializers.lookups import AnswerOut
from lookups.serializers.scaicore import AnyObjectIn, CheckpointsIn, EventsIn, InvokeIn, ResolveIn
from scaiflow.kit.calls import Call
from scaiflow.kit.rights import MANAGE, VIEW
from scaiflow.kit.views import ApiView, read_body, read_query
from tenants.principals import caller_of


class Events(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call("list_events", "What a Core of your flows did", AnswerOut, query=EventsIn, raises=PROXIED),
    }

    def get(self, request: Request) -> Response:
        return Response({"data": list_events(by=caller_of(request), **read_query(EventsIn, request))})


class Checkpoints(ApiView):
    permissions: ClassVar[dict[str, str]] = {"GET": VIEW}
    calls: ClassVar[dict[str, Call]] = {
        "GET": Call(
            "list_checkpoints",
            "Where a Core of your flows waits for somebody",
            AnswerOut,
            query=CheckpointsIn,
            raises=PROXIED,
        ),
    }

    def get(self, request: Request) -> Response:
        return Response({"data": list_checkpoints(by=caller_of(request), **read_query(CheckpointsIn, request))})


class CheckpointResolve(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call(
            "resolve_checkpoint", "Decide a checkpoint", AnswerOut, body=AnyObjectIn, query=ResolveIn, raises=PROXIED
        ),
    }

    def post(self, request: Request, checkpoint_id: str) -> Response:
        hint = read_query(ResolveIn, request)
        read_body(AnyObjectIn, request)
        told = resolve_checkpoint(by=caller_of(request), checkpoint_id=checkpoint_id, **hint, body=dict(request.data))
        return Response({"data": told})


class CoreInvoke(ApiView):
    permissions: ClassVar[dict[str, str]] = {"POST": MANAGE}
    calls: ClassVar[dict[str, Call]] = {
        "POST": Call("invoke_core", "Run a Core of your flows", AnswerOut, body=InvokeIn, raises=PROXIED),
    }

    def post(self, request: Request, core_id: str) -> Response:
        asked = read_body(InvokeIn, request)
        return Response({"data": invoke_core(by=caller_of(request), core_id=core_id, arguments=asked["input"])})
