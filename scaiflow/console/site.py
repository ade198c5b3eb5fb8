"""The admin's site: who gets in, who they are, and what is written down when they do not."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest

from scaiflow.kit import audit
from tenants.operations.people import principal_of_person
from tenants.principals import Principal


class Site(admin.AdminSite):
    site_header = site_title = "ScaiFlow"
    index_title = "Administration"
    empty_value_display = "-"

    def principal_of(self, request: HttpRequest) -> Principal | None:
        """Whose session it is, with the role that the mirror has for them now. None for a stranger."""
        if not hasattr(request, "admin_principal"):
            user: Any = request.user
            request.admin_principal = principal_of_person(user) if user.is_authenticated else None  # type: ignore[attr-defined]
        found: Principal | None = request.admin_principal  # type: ignore[attr-defined]
        return found

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Who is signed in and has no role is refused; sending them to sign in once more would lead in a circle."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                if request.user.is_authenticated and not self.has_permission(request):
                    raise PermissionDenied("role 'tenant_admin' or 'super_admin' is missing")
                return inner(request, *args, **kwargs)
            except PermissionDenied as error:
                self.note_refusal(request, str(error) or f"{request.method} is not allowed here")
                raise

        inner = super().admin_view(view, cacheable)
        return guarded

    def note_refusal(self, request: HttpRequest, message: str) -> None:
        caller = self.principal_of(request)
        if caller is None:
            return
        audit.record_refusal(
            actor=caller, tenant_id=caller.tenant_id, object_type="admin page", object_id=request.path,
            changes={"method": request.method, "refused": message},
        )  # fmt: skip

    def get_log_entries(self, request: HttpRequest) -> QuerySet[LogEntry]:
        """Django's own log of what its forms did: nothing, because there are none."""
        return LogEntry.objects.none()
