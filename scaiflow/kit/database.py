"""What there is to know of database connections above Django's own handling of them."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import connection, connections
from django.db.models import Manager, Model

Row = TypeVar("Row", bound=Model)


def let_go() -> None:
    """Gives this thread's connections back, for the time in which it waits for something that is not the database; the next
    query takes one again. Without this a process that waits in more places than its pool has connections serves nobody."""
    for each in connections.all(initialized_only=True):
        if not each.in_atomic_block:
            each.close()


def locked_row(manager: Manager[Row], *, key: dict[str, Any], defaults: dict[str, Any]) -> tuple[Row, bool]:
    """The row with this unique key, locked, and whether it is new: made here when there was none. Inside the caller's
    transaction.

    `get_or_create` and then a lock would not do: InnoDB gives everybody who loses the race for a new row a shared lock on
    it, and then none of them the exclusive one. Writing a part of the key again takes the exclusive one at once."""
    rows = manager.select_for_update().filter(**key)
    found = rows.first()
    if found is not None:
        return found, False
    made = manager.model(**key, **defaults)
    unique = None if connection.vendor == "mysql" else list(key)  # MySQL looks at all unique keys, whether asked or not
    manager.bulk_create([made], update_conflicts=True, update_fields=list(key)[:1], unique_fields=unique)
    row = rows.get()
    return row, row.pk == made.pk
