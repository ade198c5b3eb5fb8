"""What `manage.py check` and `migrate` look at before anything is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

ROOM = 1024 * 1024  # bytes, for the rest of a statement


def capitals_are_told_apart(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Ids are random letters in both cases. MariaDB and MySQL hold `a` and `A` for the same unless told otherwise, and then
    one flow's id would open another flow."""
    found: list[CheckMessage] = []
    for connection, collation in _asked_of_mariadb("@@collation_database", databases):
        if not str(collation).endswith("_bin"):
            name = connection.settings_dict["NAME"]
            hint = f"before the first migrate: ALTER DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
            message = f"SCAIFLOW_DB_URL: the database compares text as {collation}, without regard to capitals"
            found.append(Error(message, hint=hint, id="kit.E001"))
    return found


def statements_may_be_large(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A frame of the sync socket becomes one statement, and so does a shared document, in which a byte may take two. A
    server that takes no such statement would have the client send it again for ever."""
    found: list[CheckMessage] = []
    wanted = max(4 * settings.MAX_SYNC_BYTES, 2 * settings.MAX_DOCUMENT_BYTES + ROOM)
    for _server, most in _asked_of_mariadb("@@global.max_allowed_packet", databases):
        if most < wanted:
            smaller = "a smaller SCAIFLOW_MAX_SYNC_BYTES and SCAIFLOW_MAX_DOCUMENT_BYTES"
            hint = f"max_allowed_packet={wanted} in the server's configuration, or {smaller}"
            message = f"SCAIFLOW_DB_URL: the database takes statements of {most} bytes, and needs to take {wanted}"
            found.append(Error(message, hint=hint, id="kit.E002"))
    return found


def _asked_of_mariadb(variable: str, databases: Sequence[str] | None) -> Iterator[tuple[BaseDatabaseWrapper, Any]]:
    for alias in databases or ():
        connection = connections[alias]
        if connection.vendor == "mysql":
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT {variable}")
                (value,) = cursor.fetchone()
            yield connection, value
