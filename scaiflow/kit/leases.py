"""Leases: the right to do something that must not be done twice at once, held by one process of all that share a database.

A lease ends by itself when its holder dies, so the holder renews it while it works.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from scaiflow.kit.models import Lease

TERM = timedelta(minutes=5)
LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class LeaseTaken(Exception):
    """Somebody else is at it, or it was done lately."""


class Held:
    """A lease in our hands."""

    def __init__(self, name: str, holder: str) -> None:
        self.name = name
        self.holder = holder

    def renew(self) -> None:
        """Raises LeaseTaken when we were too slow and it has gone to somebody else."""
        if not self._mine().update(held_until=timezone.now() + TERM):
            raise LeaseTaken(self.name)

    def give_back(self, *, is_done: bool) -> None:
        done = {"last_done_at": timezone.now()} if is_done else {}
        self._mine().update(holder="", held_until=LONG_AGO, **done)

    def _mine(self) -> QuerySet[Lease]:
        return Lease.objects.filter(name=self.name, holder=self.holder)


@contextmanager
def lease(name: str, *, every: timedelta = timedelta()) -> Iterator[Held]:
    """Raises LeaseTaken at once: who comes second does not wait. Nor does who comes before `every` has passed since it was
    last done to its end; so what is asked for often is done as often as it should be, whoever asks and since when."""
    Lease.objects.get_or_create(name=name, defaults={"held_until": LONG_AGO})
    now, holder = timezone.now(), secrets.token_urlsafe(12)
    is_due = Q(last_done_at=None) | Q(last_done_at__lte=now - every)
    if not Lease.objects.filter(is_due, name=name, held_until__lte=now).update(holder=holder, held_until=now + TERM):
        raise LeaseTaken(name)
    held, is_done = Held(name, holder), False
    try:
        yield held
        is_done = True
    finally:
        held.give_back(is_done=is_done)
