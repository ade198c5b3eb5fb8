"""What must be true before anything is served. Called by the entry points of the servers, of the worker and of the beat."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import DatabaseError, connections

from scaiflow import env
from tenants.operations.vault import unknown_key_ids

log = structlog.get_logger(__name__)


def refuse_unknown_keys() -> None:
    """Ends the process with one line when a stored secret was sealed with a key that we were not given: it could not be
    opened, and the next write would bury that. A database that does not answer yet is no reason to refuse.

    (On a thread of its own: some servers load us inside their event loop, where Django asks no database.)"""
    with ThreadPoolExecutor(1) as pool:
        unknown = pool.submit(_unknown).result()
    if unknown:
        env.refuse("SCAIFLOW_ENCRYPTION_KEYS", f"lacks key {unknown[0]}, with which stored secrets are encrypted")


def _unknown() -> list[str]:
    try:
        return unknown_key_ids()
    except DatabaseError as error:
        log.warning("keys not checked", error=type(error).__name__)
        return []
    finally:
        connections.close_all()
