"""Every door of the app."""

from __future__ import annotations

from django.urls import path

from tenants.views.credentials import ScaiGridCredentials
from tenants.views.signin import Me, SigninConfig, SigninExchange, SigninRefresh

urlpatterns = [
    path("auth/config", SigninConfig.as_view(), name="signin-config"),
    path("auth/exchange", SigninExchange.as_view(), name="signin-exchange"),
    path("auth/refresh", SigninRefresh.as_view(), name="signin-refresh"),
    path("me", Me.as_view(), name="me"),
    path("tenants/me/scaigrid_credentials", ScaiGridCredentials.as_view(), name="tenant-credentials"),
]
