from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class ConsoleConfig(AppConfig):
    name = "scaiflow.console"
    label = "console"


class Admin(admin_apps.AdminConfig):
    """Django's admin, with our own site."""

    default = False
    default_site = "scaiflow.console.site.Site"
