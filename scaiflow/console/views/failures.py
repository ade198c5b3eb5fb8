"""Pages for what no view answered: no such page, a form that is out of date, a bug of ours. Outside of /api alone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.views import csrf, defaults

from scaiflow.console.page import with_headers


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return with_headers(defaults.page_not_found(request, exception))


def server_error(request: HttpRequest) -> HttpResponseBase:
    return with_headers(defaults.server_error(request))


def form_out_of_date(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    return with_headers(csrf.csrf_failure(request, reason))
