"""What there is to know of database connections above Django's own handling of them."""

from __future__ import annotations

from django.db import connections


def let_go() -> None:
    """Gives this thread's connections back, for the time in which it waits for something that is not the database; the next
    query takes one again. Without this a process that waits in more places than its pool has connections serves nobody."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
