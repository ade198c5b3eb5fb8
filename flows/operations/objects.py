"""Objects and rows that change together: the object first, the row after it, and neither without the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import DatabaseError, transaction

from flows.models import FlowVersion
from scaiflow.kit import storage
from scaiflow.kit.errors import Unavailable

log = structlog.get_logger(__name__)


class ObjectWrites:
    """What a transaction has put into storage so far."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def create(self, key: str, body: bytes) -> None:
        """Raises Unavailable. The caller holds the flow's lock and has seen that no row names this key, so an object
        that lies there all the same was left by a process that died before its row was committed: it is replaced."""
        self.keys.append(key)
        try:
            storage.create(key, body)
        except storage.ObjectTaken:
            log.warning("orphan replaced", key=key)
            storage.delete(key)
            storage.create(key, body)


@contextmanager
def whole_write() -> Iterator[ObjectWrites]:
    """A transaction whose objects go when it fails. An object that cannot be taken back is left for the sweep."""
    writes = ObjectWrites()
    try:
        with transaction.atomic():
            yield writes
    except BaseException:
        for key in writes.keys:
            _take_back(key)
        raise


def _take_back(key: str) -> None:
    """Only what no row names: a commit whose answer was lost may have happened after all."""
    try:
        if not FlowVersion.objects.filter(object_key=key).exists():
            storage.delete(key)
    except (DatabaseError, Unavailable):
        log.warning("orphan left", key=key)
