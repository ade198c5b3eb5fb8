"""The caller's token: sealed while its job lives, gone after it, and never anywhere in the clear. What is looked at here is
the database itself, every column of every table, and its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from tests.conftest import Caller
from tests.flows.deploying import CORES, deploy, failure, make
from tests.loopback import Asked, Service, Told

pytestmark = pytest.mark.django_db(transaction=True)


def all_rows() -> str:
    """The whole database, as text."""
    written = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            written += [f"{table}: {row!r}" for row in cursor.fetchall()]
    return "\n".join(written)


def sealed_tokens() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_token FROM flows_job WHERE sealed_token IS NOT NULL")
        return [str(row[0]) for row in cursor.fetchall()]


@pytest.mark.parametrize("status", [201, 400])
def test_a_token_rests_sealed_and_leaves_with_its_job(ada: Caller, grid: Service, status: int) -> None:
    seen: dict[str, Any] = {}

    def look(asked: Asked) -> Told:
        seen.update(rows=all_rows(), sealed=sealed_tokens())
        connections.close_all()
        return Told(201, {"data": {"id": "core_1"}}) if status == 201 else failure(status)

    grid.on("POST", CORES, look)
    deploy(ada, make(ada))
    assert grid.asked[0].headers["Authorization"] == f"Bearer {ada.token}"
    (sealed,) = seen["sealed"]
    assert sealed in seen["rows"]
    assert str(ada.token) not in seen["rows"]
    after = all_rows()
    assert sealed not in after
    assert str(ada.token) not in after
    assert sealed_tokens() == []


def test_not_even_the_databases_file_has_ever_held_it(ada: Caller, grid: Service) -> None:
    if connection.vendor != "sqlite":
        return  # the servers' files are theirs; what they are sent is looked at above
    deploy(ada, make(ada))
    file = Path(connection.settings_dict["NAME"])
    written = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    assert b"sealed_token" in written
    assert str(ada.token).encode() not in written
