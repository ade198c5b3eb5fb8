"""HTTP alone, for servers of threads (gunicorn): half the cost of ASGI a request. Sockets and event streams: asgi.py."""

from __future__ import annotations

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

from scaiflow.celery import app as celery_app

__all__ = ["application", "celery_app"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scaiflow.settings")
import_module("scaiflow.kit.tracing").start("web")  # before Django loads its middleware
application = get_wsgi_application()
import_module("tenants.operations.start").refuse_unknown_keys()  # only now: it needs the apps
import_module("scaiflow.kit.schedule").Beat().start()  # without Redis this process is also the beat
