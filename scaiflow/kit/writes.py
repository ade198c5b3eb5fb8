"""Objects and rows that change together: the object first, the row after it, and neither without the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.db import DatabaseError, transaction

from scaiflow.kit import storage
from scaiflow.kit.errors import Unavailable

log = structlog.get_logger(__name__)


class ObjectWrites:
    """What a transaction has put into storage so far."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def create(self, key: str, body: bytes) -> None:
        """Raises Unavailable. The caller holds a lock under which nobody else gives out this key, and has seen that no row
        names it, so an object that lies there all the same was left by a process that died before its row was committed:
        it is replaced."""
        self.keys.append(key)
        try:
            storage.create(key, body)
        except storage.ObjectTaken:
            log.warning("orphan replaced", key=key)
            storage.delete(key)
            storage.create(key, body)


@contextmanager
def whole_write(*, is_named: Callable[[str], bool]) -> Iterator[ObjectWrites]:
    """A transaction whose objects go when it fails. An object that cannot be taken back is left for the sweep.

    `is_named` says whether a row points at a key: a commit whose answer was lost may have happened after all."""
    writes = ObjectWrites()
    try:
        with transaction.atomic():
            yield writes
    except BaseException:
        for key in writes.keys:
            _take_back(key, is_named)
        raise


def _take_back(key: str, is_named: Callable[[str], bool]) -> None:
    try:
        if not is_named(key):
            storage.delete(key)
    except (DatabaseError, Unavailable):
        log.warning("orphan left", key=key)
