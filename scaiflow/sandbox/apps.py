"""Makes `manage.py sandbox` known to Django; there are no models here."""

from __future__ import annotations

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """The sandbox as a Django app, for its one management command."""

    name = "scaiflow.sandbox"
    label = "sandbox"
