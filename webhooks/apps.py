from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        # Celery's own discovery waits for a worker; without a broker this process is the worker.
        import_module("webhooks.tasks")
