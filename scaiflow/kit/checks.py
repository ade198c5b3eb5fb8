"""What `manage.py check` and `migrate` look at before anything is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections


def capitals_are_told_apart(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Ids are random letters in both cases. MariaDB and MySQL hold `a` and `A` for the same unless told otherwise, and then
    one flow's id would open another flow."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if connection.vendor != "mysql":
            continue
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@collation_database")
            (collation,) = cursor.fetchone()
        if not str(collation).endswith("_bin"):
            name = connection.settings_dict["NAME"]
            hint = f"before the first migrate: ALTER DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
            message = f"SCAIFLOW_DB_URL: the database compares text as {collation}, without regard to capitals"
            found.append(Error(message, hint=hint, id="kit.E001"))
    return found
