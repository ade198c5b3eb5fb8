"""The first page: what this server is and whether its parts answer."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from scaiflow.console.views.health import parts_in_words


def home(request: HttpRequest) -> HttpResponse:
    parts = [{"name": name.replace("_", " "), "word": word} for name, word in parts_in_words().items()]
    upstreams = [
        {"name": "ScaiKey", "address": settings.SCAIKEY_BASE_URL, "what": "signs people in"},
        {
            "name": "ScaiGrid",
            "address": settings.SCAIGRID_BASE_URL,
            "what": "runs the Cores that flows are deployed to",
        },
    ]
    page = {
        "parts": parts,
        "upstreams": upstreams,
        "release": _release(),
        "sandbox": _sandbox(),
        "signin_failed": request.GET.get("signin") == "failed",
        "address": request.build_absolute_uri("/").rstrip("/"),
    }
    response = render(request, "console/home.html", page)
    response["Content-Security-Policy"] = CSP
    return response


CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def _sandbox() -> str:
    """The sandbox's address, when that is what stands in for ScaiKey on this machine."""
    host = urlsplit(settings.SCAIKEY_BASE_URL).hostname
    return settings.SCAIKEY_BASE_URL if settings.DEBUG and host in {"127.0.0.1", "localhost"} else ""


def _release() -> str:
    try:
        return version("scaiflow")
    except PackageNotFoundError:
        return "from source"
