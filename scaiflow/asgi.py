"""HTTP and websockets in one ASGI application (any ASGI server will do)."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from scaiflow.celery import app as celery_app
from scaiflow.kit.schedule import Beat

__all__ = ["application", "celery_app"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scaiflow.settings")
import_module("scaiflow.kit.tracing").start(
    os.environ.get("SCAIFLOW_ROLE", "web")
)  # before Django loads its middleware
http = get_asgi_application()
import_module("tenants.operations.start").refuse_unknown_keys()  # only now: it needs the apps
# Likewise.
sockets = URLRouter(import_module("flows.urls").websocket_urlpatterns)
bounded = import_module("scaiflow.kit.bodies").bounded
is_foreign = import_module("scaiflow.kit.ws").is_foreign
passing = import_module("scaiflow.kit.ws_gate").passing
hide_query = import_module("tenants.bearers").hide_query


async def websocket(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A page of another site gets no socket at all: closing before accepting is a 403 at the upgrade."""
    hide_query(scope)
    with passing(scope):
        if is_foreign(scope["headers"]):
            await receive()
            await send({"type": "websocket.close"})
        else:
            await sockets(scope, receive, send)


application = ProtocolTypeRouter({"http": bounded(http), "websocket": websocket})
Beat().start()  # without Redis this process is also the beat
