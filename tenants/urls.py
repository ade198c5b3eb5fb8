"""Every door of the app."""

from __future__ import annotations

from django.urls import path

from tenants.views.admin import AdminAudit, AdminSync, AdminTenantUsers, AdminUserRole, AdminUsers
from tenants.views.credentials import ScaiGridCredentials
from tenants.views.signin import Me, SigninConfig, SigninExchange, SigninRefresh

urlpatterns = [
    path("auth/config", SigninConfig.as_view(), name="signin-config"),
    path("auth/exchange", SigninExchange.as_view(), name="signin-exchange"),
    path("auth/refresh", SigninRefresh.as_view(), name="signin-refresh"),
    path("me", Me.as_view(), name="me"),
    path("admin/users", AdminUsers.as_view(), name="admin-users"),
    path("admin/users/<id:user_id>/role", AdminUserRole.as_view(), name="admin-user-role"),
    path("admin/sync", AdminSync.as_view(), name="admin-sync"),
    path("admin/tenant/users", AdminTenantUsers.as_view(), name="admin-tenant-users"),
    path("admin/audit", AdminAudit.as_view(), name="admin-audit"),
    path("tenants/me/scaigrid_credentials", ScaiGridCredentials.as_view(), name="tenant-credentials"),
]
