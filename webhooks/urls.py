"""Every door of the app."""

from __future__ import annotations

from django.urls import path

from webhooks.views import Deliveries, ScaiKeyWebhook

urlpatterns = [
    path("webhooks/scaikey", ScaiKeyWebhook.as_view(), name="webhook-scaikey"),
    path("admin/webhooks", Deliveries.as_view(), name="admin-webhooks"),
]
