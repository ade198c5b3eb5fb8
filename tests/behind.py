"""What tests do behind the back of our code, on whichever database and cache they stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection

WORDS = "the test refuses this"
SQLITE = "CREATE TRIGGER refusing BEFORE {what} WHEN {when} BEGIN SELECT RAISE(ABORT, '{words}'); END"
POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION refusing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{words}' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
POSTGRES = "CREATE TRIGGER refusing BEFORE {what} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refusing()"
MYSQL = """
CREATE TRIGGER refusing BEFORE {what} FOR EACH ROW BEGIN
IF {when} THEN SIGNAL SQLSTATE '23000' SET MESSAGE_TEXT = '{words}', MYSQL_ERRNO = 1451; END IF; END
"""
TRIGGERS = {"sqlite": [SQLITE], "postgresql": [POSTGRES_FUNCTION, POSTGRES], "mysql": [MYSQL]}


@contextmanager
def refusing(event: str, table: str, *, when: str = "1 = 1") -> Iterator[None]:
    """The database refuses such a row with an IntegrityError. `when` may name its columns as `NEW.column`. Only for tests
    with `transaction=True`: MariaDB ends a transaction at a statement like this."""
    with connection.cursor() as cursor:
        for statement in TRIGGERS[connection.vendor]:
            cursor.execute(statement.format(what=f"{event} ON {table}", when=when, words=WORDS))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER refusing" + (f" ON {table}" if connection.vendor == "postgresql" else ""))


def cached() -> list[str]:
    """The keys that are in the cache."""
    place = settings.CACHES["default"]
    if "redis" not in place["BACKEND"].lower():
        return [str(key) for key in cache._cache]  # type: ignore[attr-defined]
    with redis.Redis.from_url(place["LOCATION"]) as client:
        return [key.decode() for key in client.scan_iter()]
