"""A strict content security policy for every page that does not bring one of its own: nothing from elsewhere, and neither
script nor style within the page. Django's own admin is clean under it."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


class StrictPolicy:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        # Django's page about a bug, in development alone, has its scripts within it.
        is_debug_page = settings.DEBUG and response.status_code >= 400
        if is_page and not is_debug_page:
            response.headers.setdefault(HEADER, POLICY)
        return response
