"""All roads: the API under /api/v1, and what stands beside it."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from flows.views.preview import FlowSchema
from scaiflow.console.views import failures, health, metrics, reference
from scaiflow.console.views.home import Home
from scaiflow.console.views.signin import SignIn, SignInCallback, SignOut
from scaiflow.kit import api
from scaiflow.kit.middleware import is_api

urlpatterns = [
    path("api/v1/", include("tenants.urls")),
    path("api/v1/", include("flows.urls")),
    path("api/v1/", include("catalog.urls")),
    path("api/v1/", include("lookups.urls")),
    path("api/v1/", include("webhooks.urls")),
    path("api/schemas/flow/v2.json", FlowSchema.as_view(), name="flow-schema"),
    path("api/openapi.json", reference.openapi, name="openapi"),
    path("api/docs", reference.docs, name="docs"),
    # The end of the road, so that no page of Django's is ever an API's answer, DEBUG or not.
    re_path(r"^api(/[\s\S]*)?\Z", csrf_exempt(api.not_found)),
    path("login", SignIn.as_view(), name="login"),
    path("login/callback", SignInCallback.as_view(), name="login-callback"),
    path("logout", SignOut.as_view(), name="logout"),
    # Django's own forms for passwords are never shown: nobody here has one.
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/login/", RedirectView.as_view(pattern_name="login", query_string=True)),
    path("admin/logout/", SignOut.as_view()),
    path("admin/", admin.site.urls),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("", Home.as_view(), name="home"),
    path("", include("scaiflow.console.urls")),
]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    return api.not_found(request) if is_api(request) else failures.not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponseBase:
    return api.server_error(request) if is_api(request) else failures.server_error(request)
