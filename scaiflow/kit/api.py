"""The one mapping: every failure under /api becomes `{"detail": ...}` here, and nowhere else.

Four callers share it: DRF's exception handler, the gate (kit/middleware.py), and Django's handler404 and handler500.
`Accept: application/problem+json` gives the same failure as RFC 9457.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Any

import kombu.exceptions
import redis.exceptions
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from rest_framework import exceptions as drf
from rest_framework.views import set_rollback

from scaiflow.kit import audit, json, tracing
from scaiflow.kit.errors import (
    AppError,
    Detail,
    NotAllowed,
    PassedThrough,
    Unauthenticated,
    Unavailable,
    Unprocessable,
    Unseen,
)
from scaiflow.kit.shapes import problems_of

log = structlog.get_logger(__name__)
TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 412: "Precondition Failed", 413: "Content Too Large", 422: "Unprocessable Content",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
}  # fmt: skip
# What a part that we stand on raises when it does not answer.
DOWN = (OperationalError, InterfaceError, kombu.exceptions.OperationalError, redis.exceptions.RedisError)


@dataclass(frozen=True)
class Answer:
    status: int
    detail: Detail
    headers: dict[str, str] = field(default_factory=dict)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponseBase:
    """DRF's EXCEPTION_HANDLER."""
    set_rollback()
    request: HttpRequest = context["request"]._request  # noqa: SLF001  DRF keeps Django's request there
    if isinstance(error, NotAllowed | Unseen):  # of who was not let in at all, DRF would ask once more who it is
        note_refusal(context["request"].user, request, error)
    return respond(request, error)


def note_refusal(caller: Any, request: HttpRequest, error: BaseException) -> None:
    """Every refusal of a right passes here (from the API and from pages), so it is written down here."""
    if not isinstance(error, NotAllowed | Unseen) or not caller:
        return
    match = request.resolver_match
    audit.record_refusal(
        actor=caller,
        tenant_id=caller.tenant_id,
        object_type=str(match.url_name) if match else "",
        object_id="/".join(str(value) for value in match.kwargs.values()) if match else "",
        changes={"method": request.method, "refused": error.message},
    )


def respond(request: HttpRequest, error: BaseException) -> HttpResponse:
    if isinstance(error, PassedThrough):
        return _passed(error)
    return render(request, answer_for(request, error))


def _passed(error: PassedThrough) -> HttpResponse:
    """With the headers that came and no others: Django would call a body of no type a page."""
    response = HttpResponse(error.body, status=error.status, headers=error.headers)
    if not any(name.lower() == "content-type" for name in error.headers):
        del response["Content-Type"]
    return response


def answer_for(request: HttpRequest, error: BaseException) -> Answer:
    if isinstance(error, AppError):
        return Answer(error.status, error.detail, error.headers)
    known = _framework_answer(error) or component_answer(error)
    return known or _bug(request, error)


def _framework_answer(error: BaseException) -> Answer | None:
    match error:
        case drf.ValidationError():
            return answer(Unprocessable(problems_of(error.detail)))
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return answer(Unauthenticated(str(error.detail)))
        case drf.MethodNotAllowed():
            return Answer(405, TITLES[405])
        case Http404() | drf.NotFound():
            return Answer(404, TITLES[404])
        case PermissionDenied() | drf.PermissionDenied():
            return Answer(403, str(error) or TITLES[403])
        case RequestDataTooBig():
            return Answer(413, "the body is too large")
        case drf.APIException():
            return Answer(error.status_code, str(error.detail))
    return None


def component_answer(error: BaseException) -> Answer | None:
    match error:
        case OperationalError() | InterfaceError():
            component = "database"
        case kombu.exceptions.OperationalError() | redis.exceptions.RedisError():
            component = "broker"
        case _:
            return None
    log.error("component down", component=component, error=type(error).__name__)
    return answer(Unavailable(f"the {component} does not answer; try again", component=component))


def _bug(request: HttpRequest, error: BaseException) -> Answer:
    log.error("bug", path=request.path, error=type(error).__name__, trace=traceback.format_tb(error.__traceback__))
    tracing.report(error)
    request_id = getattr(request, "request_id", "")
    message = "something went wrong on our side; tell us the request id"
    return Answer(500, {"error": "internal", "message": message, "request_id": request_id})


def answer(error: AppError) -> Answer:
    return Answer(error.status, error.detail, error.headers)


def render(request: HttpRequest, answer: Answer) -> HttpResponse:
    if "application/problem+json" in request.headers.get("Accept", ""):
        return _written(answer, _problem(request, answer), "application/problem+json")
    return _written(answer, {"detail": answer.detail}, "application/json")


def _written(answer: Answer, body: dict[str, Any], content_type: str) -> HttpResponse:
    return HttpResponse(json.dumps(body), status=answer.status, content_type=content_type, headers=answer.headers)


def _problem(request: HttpRequest, answer: Answer) -> dict[str, Any]:
    """RFC 9457: the structured keys stand beside the members that the RFC names."""
    title = TITLES.get(answer.status, "Error")
    problem: dict[str, Any] = {"type": "about:blank", "title": title, "status": answer.status, "instance": request.path}
    if isinstance(answer.detail, str):
        return problem | {"detail": answer.detail}
    if isinstance(answer.detail, list):
        return problem | {"detail": "the request has the wrong shape", "errors": answer.detail}
    extra = {key: value for key, value in answer.detail.items() if key not in problem}
    return problem | {"type": f"urn:scaiflow:{answer.detail['error']}", "detail": answer.detail["message"]} | extra


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler404, and the end of the road for every /api path that no route takes."""
    return render(request, Answer(404, TITLES[404]))


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: a failure outside of DRF (a middleware, a plain view)."""
    request_id = getattr(request, "request_id", "")
    return render(request, Answer(500, {"error": "internal", "message": TITLES[500], "request_id": request_id}))
