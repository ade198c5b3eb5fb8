"""The admin's site: who gets in, who they are, and what is written down when they do not."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from scaiflow.console import session
from scaiflow.console.page import told, with_headers
from scaiflow.kit import api
from scaiflow.kit.errors import AppError, NotAllowed
from tenants.principals import Principal
from tenants.roles import AdminRole

MISSING = "role 'tenant_admin' or 'super_admin' is missing"


class Site(admin.AdminSite):
    site_header = site_title = "ScaiFlow"
    index_title = "Administration"
    empty_value_display = "-"

    def principal_of(self, request: HttpRequest) -> Principal | None:
        """Whose session it is; asked once a request. None for a stranger. Raises what session.py says."""
        if not hasattr(request, "admin_principal"):
            request.admin_principal = session.principal_of(request)  # type: ignore[attr-defined]
        found: Principal | None = request.admin_principal  # type: ignore[attr-defined]
        return found

    def has_permission(self, request: HttpRequest) -> bool:
        caller = self.principal_of(request)
        return caller is not None and caller.admin_role in AdminRole.values

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Who is signed in and has no role is refused; sending them to sign in once more would lead in a circle."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                if self.principal_of(request) and not self.has_permission(request):
                    raise PermissionDenied(MISSING)
                return inner(request, *args, **kwargs)
            except PermissionDenied as error:
                self.note_refusal(request, NotAllowed(str(error) or f"{request.method} is not allowed here"))
                raise
            except AppError as error:
                return self._problem(request, error)

        inner = super().admin_view(view, cacheable)
        return guarded

    def get_urls(self) -> list[Any]:
        """Without Django's forms for passwords: nobody here has one."""
        return [pattern for pattern in super().get_urls() if "password" not in (getattr(pattern, "name", "") or "")]

    def note_refusal(self, request: HttpRequest, error: AppError) -> None:
        api.note_refusal(self.principal_of(request), request, error)

    def _problem(self, request: HttpRequest, error: AppError) -> HttpResponseBase:
        """ScaiKey is away and cannot vouch for the session, or a part of ours is down."""
        answer = api.answer_for(request, error)
        page = {"problem": told(answer), "title": api.TITLES.get(answer.status, "Error")}
        return with_headers(render(request, "console/problem.html", page, status=answer.status))

    def get_log_entries(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """Django's own log of what its forms did: nothing, because there are none."""
        return LogEntry.objects.none()
