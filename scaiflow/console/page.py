"""The base of every page of the console. Like the API's views: rights are data, and a method without an entry is none.

A page makes the same calls as the API, with the same principal. What these raise becomes a page with the same status; a
form that was refused is shown again, with what was typed and why.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View
from rest_framework import serializers
from rest_framework.exceptions import MethodNotAllowed, ValidationError

from flows.access import flow_for, level_on
from flows.models import Flow
from flows.roles import Level
from scaiflow.console.session import principal_of
from scaiflow.kit import api
from scaiflow.kit.errors import AppError, NotAllowed, Unauthenticated, Unprocessable
from scaiflow.kit.rights import ANY, MANAGE
from scaiflow.kit.shapes import problems_of
from tenants.principals import Principal

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
WRITING = {"edit": Level.EDIT, "deploy": Level.DEPLOY, "admin": Level.ADMIN}
HEADERS = {"Content-Security-Policy": CSP, "Cache-Control": "no-store"}


class Page(View):
    """`permissions` says which methods there are and what each needs of the token, `section` which part of the console
    this belongs to. `problem` is what the last form was refused with."""

    permissions: ClassVar[dict[str, str]]
    section: ClassVar[str] = ""
    principal: Principal
    problem: api.Answer | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.open_door(request, **kwargs)
            response = super().dispatch(request, *args, **kwargs)
        except Unauthenticated:
            return to_sign_in(request)
        except (AppError, MethodNotAllowed, *api.DOWN) as error:
            response = self.refused(error, **kwargs)
        return with_headers(response)

    def open_door(self, request: HttpRequest, **_: Any) -> None:
        """Raises Unauthenticated, MethodNotAllowed, NotAllowed, and what the session's tokens meet at ScaiKey."""
        found = principal_of(request)
        if found is None:
            raise Unauthenticated("Not authenticated")
        self.principal = found
        request.principal_id = found.sub  # type: ignore[attr-defined]
        if request.method not in self.permissions:
            raise MethodNotAllowed(str(request.method))
        needed = self.permissions[request.method]
        if needed != ANY and not found.may(needed):
            raise NotAllowed(f"permission '{needed}' is missing")

    def refused(self, error: Exception, **kwargs: Any) -> HttpResponseBase:
        """The form's own page once more, where there is one; else a page that says why."""
        api.note_refusal(getattr(self, "principal", None), self.request, error)
        self.problem = api.answer_for(self.request, error)
        is_form = self.request.method == "POST" and isinstance(error, AppError) and hasattr(self, "get")
        if is_form and self.problem.status not in {403, 404} and not self.is_partial:
            with suppress(AppError):  # what the form's page shows may fail at the same thing as the form
                shown: HttpResponseBase = self.get(self.request, **kwargs)  # type: ignore[attr-defined]
                return shown
        template = "console/parts/problem.html" if self.is_partial else "console/problem.html"
        return self.show(template, title=api.TITLES.get(self.problem.status, "Error"))

    @property
    def is_partial(self) -> bool:
        """Asked for by htmx, for a part of a page."""
        return self.request.headers.get("HX-Request") == "true"

    def show(self, template: str, **context: Any) -> HttpResponse:
        context |= {
            "principal": getattr(self, "principal", None),
            "may_manage": hasattr(self, "principal") and self.principal.may(MANAGE),
            "section": self.section,
            "problem": self.problem and told(self.problem),
            "posted": self.request.POST,
        }
        status = self.problem.status if self.problem else 200
        return render(self.request, template, context, status=status)

    def done(self, message: str, to: str, *args: Any, query: str = "", **kwargs: Any) -> HttpResponse:
        """After a form: say what happened, on the page named `to`."""
        messages.success(self.request, message)
        return led_to(self.request, reverse(f"console:{to}", args=args, kwargs=kwargs) + (f"?{query}" if query else ""))


class FlowPage(Page):
    """A page of one flow: `levels` says what each method needs on it; `self.flow` is it, once it may be seen."""

    levels: ClassVar[dict[str, Level]]
    opens_deleted: ClassVar[bool] = False
    section = "flows"
    tab: ClassVar[str] = ""
    flow: Flow

    def open_door(self, request: HttpRequest, **kwargs: Any) -> None:
        super().open_door(request)
        level = self.levels[str(request.method)]
        self.flow = flow_for(self.principal, kwargs["flow_id"], level=level, deleted=self.opens_deleted)

    def show(self, template: str, **context: Any) -> HttpResponse:
        if hasattr(self, "flow"):
            level = level_on(self.principal, self.flow)
            manages = self.principal.may(MANAGE)
            can = {word: manages and level >= needed for word, needed in WRITING.items()}
            context |= {
                "flow": self.flow,
                "level": level.word,
                "can": can,
                "tab": self.tab,
                "is_admin": level >= Level.ADMIN,
            }
        return super().show(template, **context)


def validated(
    serializer: type[serializers.Serializer[Any]], fields: dict[str, Any], root: str = "body"
) -> dict[str, Any]:
    """What the API's own serializer makes of a form. Raises Unprocessable."""
    form = serializer(data=fields)
    try:
        form.is_valid(raise_exception=True)
    except ValidationError as error:
        raise Unprocessable(problems_of(error.detail, root=root)) from None
    return dict(form.validated_data)


def told(problem: api.Answer) -> dict[str, Any]:
    """A failure for people: `{status, message, fix, lines, more}`."""
    detail = problem.detail
    if isinstance(detail, list):
        lines = [{"where": ".".join(str(part) for part in one["loc"][1:]), "what": one["msg"]} for one in detail]
        return {"status": problem.status, "message": "Some of it cannot be taken as it is.", "lines": lines}
    if isinstance(detail, dict):
        more = {name: value for name, value in detail.items() if name not in {"message", "fix", "diagnostics"}}
        named = {name: detail.get(name) for name in ("message", "fix", "diagnostics")}
        return {"status": problem.status, "more": more, **named}
    return {"status": problem.status, "message": detail}


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Home asks for a sign-in, and leads back here after it."""
    back = request.get_full_path() if request.method == "GET" and "HX-Request" not in request.headers else ""
    return led_to(request, reverse("home") + (f"?{urlencode({'next': back})}" if back else ""))


def led_to(request: HttpRequest, target: str) -> HttpResponse:
    """htmx would follow a redirect by itself, and put that page into the part of this one that it asked for."""
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)


def safe_next(request: HttpRequest) -> str:
    """Where to go after the sign-in: a page of ours, or nowhere in particular."""
    wanted = request.GET.get("next", "")
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours else ""


def with_headers(response: HttpResponseBase) -> HttpResponseBase:
    for name, value in HEADERS.items():
        response.setdefault(name, value)
    return response
