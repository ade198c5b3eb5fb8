"""HTTP and websockets in one ASGI application (any ASGI server will do)."""

from __future__ import annotations

import os
from importlib import import_module

from django.core.asgi import get_asgi_application

from scaiflow.celery import app as celery_app
from scaiflow.kit.schedule import Beat

__all__ = ["application", "celery_app"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scaiflow.settings")
import_module("scaiflow.kit.tracing").start(
    os.environ.get("SCAIFLOW_ROLE", "web")
)  # before Django loads its middleware
application = get_asgi_application()
import_module("tenants.operations.start").refuse_unknown_keys()  # only now: it needs the apps
Beat().start()  # without Redis this process is also the beat
