"""Leases: the right to do something that must not be done twice at once, held by one process of all that share a database.

A lease ends by itself when its holder dies, so the holder renews it while it works.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from scaiflow.kit.models import Lease

TERM = timedelta(minutes=5)
LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class LeaseTaken(Exception):
    """Somebody else is at it."""


class Held:
    """A lease in our hands."""

    def __init__(self, name: str, holder: str) -> None:
        self.name = name
        self.holder = holder

    def renew(self) -> None:
        """Raises LeaseTaken when we were too slow and it has gone to somebody else."""
        if not self._mine().update(held_until=timezone.now() + TERM):
            raise LeaseTaken(self.name)

    def give_back(self) -> None:
        self._mine().update(holder="", held_until=LONG_AGO, last_done_at=timezone.now())

    def _mine(self) -> QuerySet[Lease]:
        return Lease.objects.filter(name=self.name, holder=self.holder)


@contextmanager
def lease(name: str) -> Iterator[Held]:
    """Raises LeaseTaken at once: who comes second does not wait."""
    Lease.objects.get_or_create(name=name, defaults={"held_until": LONG_AGO})
    now, holder = timezone.now(), secrets.token_urlsafe(12)
    free = Lease.objects.filter(name=name, held_until__lte=now)
    if not free.update(holder=holder, held_until=now + TERM):
        raise LeaseTaken(name)
    held = Held(name, holder)
    try:
        yield held
    finally:
        held.give_back()
