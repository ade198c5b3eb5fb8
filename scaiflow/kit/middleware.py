"""The gate that every request passes first: its id, its host, its size, and one line of log on the way out."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirectBase

from scaiflow.kit import api
from scaiflow.kit.errors import AppError, TooLarge
from scaiflow.kit.limits import check_rate
from scaiflow.kit.metrics import count_request

log = structlog.get_logger("scaiflow.request")
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,128}")
PERMISSIONS = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"
HEADERS = {
    "Permissions-Policy": PERMISSIONS,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",  # keeps answers out of foreign images and scripts
}
API_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-cache",
}
QUIET_PATHS = {"/healthz", "/readyz", "/metrics"}


class TemporaryRedirectKeepingMethod(HttpResponseRedirectBase):
    status_code = 307


class Gate:
    """Outermost, so that nothing answers without a request id and no HTML leaves /api (not even Django's own 400)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = request_id_for(request)
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = refusal(request) or self.get_response(request)
        response["X-Request-ID"] = request_id
        protect(request, response)
        tell(request, response, time.perf_counter() - started)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What a plain (non-DRF) view let through. Outside of /api Django draws its page, but the log line is ours."""
        response = api.respond(request, exception)
        return response if is_api(request) else None


def is_api(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")


def request_id_for(request: HttpRequest) -> str:
    given = request.headers.get("X-Request-ID", "")
    return given if is_sane(given) else fresh_request_id()


def is_sane(request_id: str) -> bool:
    return SANE_REQUEST_ID.fullmatch(request_id) is not None


def fresh_request_id() -> str:
    return f"req_{secrets.token_urlsafe(12)}"


def refusal(request: HttpRequest) -> HttpResponse | None:
    try:
        request.get_host()
    except DisallowedHost:
        return api.render(request, api.Answer(400, "this Host is not served here; see SCAIFLOW_ALLOWED_HOSTS"))
    try:
        if declared_length(request) > (most := most_bytes(request.path)):
            raise TooLarge(f"the body is larger than {most} bytes")
        check_rate(request)
    except AppError as error:
        return api.respond(request, error)
    if is_api(request) and request.path.endswith("/"):
        query = request.META.get("QUERY_STRING", "")
        road = request.path.rstrip("/") + (f"?{query}" if query else "")
        return TemporaryRedirectKeepingMethod(road, content_type="application/json")
    return None


def protect(request: HttpRequest, response: HttpResponse) -> None:
    """Headers that every answer has, also those that Django's own middleware never saw. What a view says itself stays."""
    for name, value in (HEADERS | (API_HEADERS if is_api(request) else {})).items():
        response.headers.setdefault(name, value)


def most_bytes(path: str) -> int:
    """That a body sent there may have."""
    return settings.MAX_PACKAGE_BYTES + 64 * 1024 if path in settings.PACKAGE_ROADS else int(settings.MAX_BODY_BYTES)


def declared_length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdigit() else 0


def tell(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """One line a request. The query string stays out of it: sockets carry their token there."""
    route = request.resolver_match.route if request.resolver_match else "none"
    count_request(method=str(request.method), route=route, status=response.status_code, seconds=seconds)
    if request.path in QUIET_PATHS:
        return
    log.info(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        milliseconds=round(seconds * 1000, 1),
        principal=getattr(request, "principal_id", None),
    )
