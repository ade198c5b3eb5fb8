"""The first page: what needs me, whether all is well, what happened lately. Without a session: where to sign in."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from flows.models import Flow
from scaiflow.console.page import Page, safe_next
from scaiflow.console.reading import names_of, needing_attention, recent_activity
from scaiflow.console.upstreams import upstreams_in_words
from scaiflow.console.views.health import parts_in_words
from scaiflow.kit.errors import AppError, Unauthenticated
from scaiflow.kit.rights import ANY, VIEW
from tenants.operations.credentials import base_url_for


class Home(Page):
    """Two pages at one address: who is not signed in learns where they are, and how to get in."""

    permissions: ClassVar[dict[str, str]] = {"GET": ANY, "HEAD": ANY}
    section = "home"
    is_known = True

    def open_door(self, request: HttpRequest, **_: Any) -> None:
        try:
            super().open_door(request)
        except Unauthenticated:
            self.is_known = False

    def get(self, request: HttpRequest) -> HttpResponse:
        if not self.is_known:
            return self.show("console/landing.html", **landing(request))
        activity, trouble = recent_activity(self.principal), needing_attention(self.principal)
        names = names_of([*(one["who"] for one in activity), *(one["job"].requested_by for one in trouble)])
        number = Flow.objects.visible_to(self.principal).living().count()
        return self.show(
            "console/home.html", activity=activity, trouble=trouble, names=names, number=number,
            can_see=self.principal.may(VIEW), release=release(),
        )  # fmt: skip


class HomeHealth(Page):
    """Whether this server and what it talks to are well."""

    permissions: ClassVar[dict[str, str]] = {"GET": ANY}
    section = "home"

    def get(self, request: HttpRequest) -> HttpResponse:
        parts = [{"name": name.replace("_", " "), "word": word} for name, word in parts_in_words().items()]
        upstreams = upstreams_in_words(scaigrid=scaigrid_of(self.principal.tenant_id))
        template = "console/parts/health.html" if self.is_partial else "console/health.html"
        return self.show(template, parts=parts, upstreams=upstreams)


def scaigrid_of(tenant_id: str) -> str:
    """The tenant's ScaiGrid; the installation's where the vault does not tell: this page is read when something is down."""
    try:
        return base_url_for(tenant_id=tenant_id)
    except AppError:
        return settings.SCAIGRID_BASE_URL


def landing(request: HttpRequest) -> dict[str, Any]:
    after = safe_next(request)
    return {
        "signin": "/login" + (f"?{urlencode({'next': after})}" if after else ""),
        "failed": request.GET.get("signin") == "failed",
        "after": after,
        "sandbox": sandbox(),
        "release": release(),
    }


def sandbox() -> str:
    """The sandbox's address, when that is what stands in for ScaiKey on this machine."""
    host = urlsplit(settings.SCAIKEY_BASE_URL).hostname
    return settings.SCAIKEY_BASE_URL if settings.DEBUG and host in {"127.0.0.1", "localhost"} else ""


def release() -> str:
    try:
        return version("scaiflow")
    except PackageNotFoundError:
        return "from source"
