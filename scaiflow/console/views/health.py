"""Is the process alive, and does what it stands on answer? For orchestrators; no token, no tenant's data."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis import Redis, RedisError

from scaiflow.kit import storage
from scaiflow.kit.draining import DRAIN
from scaiflow.kit.errors import Unavailable

log = structlog.get_logger(__name__)
PATIENCE = 4.0
_pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="health")
EMBEDDED = "ok (in this process)"


def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """Each part `ok` or why not; 503 when one is down."""
    parts = parts_in_words()
    is_ready = all(word.startswith("ok") for word in parts.values())
    return JsonResponse(parts, status=200 if is_ready else 503)


def parts_in_words() -> dict[str, str]:
    """All at once, and none is waited for longer than PATIENCE seconds."""
    if DRAIN.has_begun:
        return {"process": "is about to end"}
    running = {name: _pool.submit(_word, name, check) for name, check in CHECKS.items()}
    wait(running.values(), timeout=PATIENCE)
    return {name: word.result() if word.done() else "does not answer in time" for name, word in running.items()}


def _word(name: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except (DatabaseError, RedisError, Unavailable, OSError, TimeoutError) as error:
        log.error("component down", component=name, error=str(error))
        return f"does not answer ({type(error).__name__})"
    finally:
        connection.close()  # of this thread


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _storage() -> str:
    """A write and a read, as a save does them."""
    key = f"health/{uuid.uuid4().hex}"
    storage.create(key, b"ok")
    storage.read(key)
    default_storage.delete(key)
    return "ok"


def _broker() -> str:
    if not settings.REDIS_URL:
        return EMBEDDED
    Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2).ping()
    return "ok"


def _channel_layer() -> str:
    layer = get_channel_layer()
    async_to_sync(layer.group_send)("health", {"type": "health"})
    return "ok" if settings.REDIS_URL else EMBEDDED


CHECKS = {"database": _database, "storage": _storage, "broker": _broker, "channel_layer": _channel_layer}
