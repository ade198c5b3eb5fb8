"""What can be done from the admin's lists: an act asks first, then calls one operation for each chosen row.

An operation raises what it always raises; here that becomes a message, and a refusal of a right its line in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from scaiflow.kit.errors import AppError, NotAllowed, Unseen
from scaiflow.kit.pages import ReadOnly

MOST = 100
CONFIRMED = "confirmed"
# Called with the principal and one row; what it returns is told of that row.
Operation = Callable[[Any, Any], str | None]


def act(*, title: str, warning: str, super_only: bool = False) -> Callable[[Operation], Any]:
    """Makes an operation an action for an `Acting` page, of the operation's name. `title` stands in the list of actions,
    `warning` on the page that asks."""

    def made(operation: Operation) -> Any:
        def run(page: Any, request: HttpRequest, rows: QuerySet[Any]) -> TemplateResponse | None:
            chosen = list(rows[: MOST + 1])
            if len(chosen) > MOST:
                page.message_user(request, f"Choose at most {MOST} at a time.", messages.ERROR)
                return None
            _note_unseen(page, request, chosen)
            if request.POST.get(CONFIRMED) != "yes":
                words = {"title": title, "warning": warning, "act": run.__name__}
                return ask(page, request, rows=chosen, checkbox=helpers.ACTION_CHECKBOX_NAME, **words)
            for row in chosen:
                perform(page, request, str(row), lambda by, row=row: operation(by, row))  # type: ignore[misc]
            return None

        run.__name__ = operation.__name__.removeprefix("_")
        run.short_description = title  # type: ignore[attr-defined]
        run.super_only = super_only  # type: ignore[attr-defined]
        return run

    return made


def perform(page: Any, request: HttpRequest, what: str, operation: Callable[[Any], str | None]) -> bool:
    """Whether it was done; how it went is told in a message either way."""
    try:
        told = operation(page.admin_site.principal_of(request))
    except AppError as error:
        if isinstance(error, NotAllowed | Unseen):
            page.admin_site.note_refusal(request, error)
        page.message_user(request, f"{what}: {error.message}", messages.ERROR)
        return False
    page.message_user(request, f"{what}: {told or 'done'}", messages.SUCCESS)
    return True


def _note_unseen(page: Any, request: HttpRequest, chosen: list[Any]) -> None:
    """Ids that were sent and are there, but not for this caller, are a refusal like any other."""
    sent = set(request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)) - {str(row.pk) for row in chosen}
    if page.is_there(sent):
        page.admin_site.note_refusal(request, Unseen(f"{page.opts.verbose_name} not found"))


def ask(page: Any, request: HttpRequest, **context: Any) -> TemplateResponse:
    """The page between an act and its being done: the chosen `rows` of an `act`, or an act's `form`."""
    told = {**page.admin_site.each_context(request), "opts": page.opts, **context}
    return TemplateResponse(request, "admin/ask.html", told)


@dataclass(frozen=True)
class ActPage:
    """An act that no row is chosen for, on a page of its own below the list. `operation` gets the principal and what the
    form holds, and returns what is told of it."""

    slug: str
    title: str
    warning: str
    operation: Callable[[Any, dict[str, Any]], str | None]
    form: type[forms.Form] = forms.Form
    super_only: bool = False


class Acting(ReadOnly):
    """A `ReadOnly` page with acts: `actions` (made by `act`) on chosen rows, `act_pages` beside the list."""

    change_list_template = "admin/act_links.html"
    act_pages: ClassVar[tuple[ActPage, ...]] = ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found = super().get_actions(request)
        return {name: told for name, told in found.items() if told and self._is_for(request, told[0])}

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"{page.slug}/", self.admin_site.admin_view(partial(self.act_view, page=page)), name=self.url_name(page)
            )
            for page in self.act_pages
        ]
        return [*own, *super().get_urls()]

    def url_name(self, page: ActPage) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page.slug}"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        links = [
            {"title": page.title, "address": reverse(f"admin:{self.url_name(page)}")}
            for page in self.act_pages
            if self._is_for(request, page)
        ]
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "act_links": links})
        return answer

    def act_view(self, request: HttpRequest, *, page: ActPage) -> HttpResponse:
        if not self._is_for(request, page):
            raise PermissionDenied("role 'super_admin' is missing")
        form = page.form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            perform(self, request, page.title, lambda by: page.operation(by, form.cleaned_data))
            return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
        return ask(self, request, title=page.title, warning=page.warning, form=form)

    def _is_for(self, request: HttpRequest, told: Any) -> bool:
        by = self.admin_site.principal_of(request)  # type: ignore[attr-defined]
        return by.is_super_admin or not getattr(told, "super_only", False)
