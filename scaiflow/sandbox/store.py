"""The sandbox's whole state: documents in one SQLite database, in memory or in one file.

A document is `(kind, id)` with a JSON body. `tenant` is the owner, `ref` what it belongs to (a queue's messages, a
Core's events); both are there to be searched by. `seq` grows with every insert and is what cursors are made of.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, id TEXT NOT NULL, tenant TEXT NOT NULL, ref TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS document_place ON document (kind, tenant, ref, seq);
CREATE INDEX IF NOT EXISTS document_ref ON document (kind, ref, seq);
"""

_SECONDS = 1.0  # to wait for another process that has the file

Body = dict[str, Any]


@dataclass(frozen=True)
class Document:
    """One row; `body` is a fresh copy, changing it changes nothing until it is put back."""

    seq: int
    id: str
    tenant: str
    ref: str
    body: Body


class Store:
    """Thread-safe: one connection behind one lock. Writes outside `transaction()` are committed at once.

    Raises sqlite3.Error for a file that cannot be opened, is no database, or belongs to another process.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            path or ":memory:", timeout=_SECONDS, check_same_thread=False, isolation_level=None
        )
        # Two sandboxes on one file would both walk the same runs.
        self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        # WAL + NORMAL loses nothing when the process is killed, only when the machine loses power.
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else in between; may be nested (the outermost commits)."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield
            except BaseException:
                if self._depth == 1:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def add(self, kind: str, id: str, body: Body, *, tenant: str = "", ref: str = "") -> bool:
        """Insert; False when `(kind, id)` is taken."""
        row = (kind, id, tenant, ref, json.dumps(body))
        sql = "INSERT INTO document (kind, id, tenant, ref, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        with self._lock:
            return self._connection.execute(sql, row).rowcount == 1

    def put(self, kind: str, id: str, body: Body, *, tenant: str = "", ref: str = "") -> None:
        """Insert or replace the body; the place in the order stays."""
        row = (kind, id, tenant, ref, json.dumps(body))
        sql = (
            "INSERT INTO document (kind, id, tenant, ref, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET tenant = excluded.tenant, ref = excluded.ref, body = excluded.body"
        )
        with self._lock:
            self._connection.execute(sql, row)

    def get(self, kind: str, id: str, *, tenant: str | None = None) -> Document | None:
        """The document, or None; also None when it belongs to another tenant than the one asked for."""
        sql = "SELECT seq, id, tenant, ref, body FROM document WHERE kind = ? AND id = ?"
        with self._lock:
            row = self._connection.execute(sql, (kind, id)).fetchone()
        found = _document(row) if row else None
        return None if found and tenant is not None and found.tenant != tenant else found

    def delete(self, kind: str, id: str) -> bool:
        """False when there was none."""
        with self._lock:
            return self._connection.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, id)).rowcount == 1

    def find(
        self,
        kind: str,
        *,
        tenant: str | None = None,
        ref: str | None = None,
        after: int = 0,
        limit: int = -1,
        newest_first: bool = False,
    ) -> list[Document]:
        """Documents of a kind in order of insertion (or its reverse), from behind `after` on; `limit` -1 = all."""
        sql, values = "SELECT seq, id, tenant, ref, body FROM document WHERE kind = ?", [kind]
        for column, value in (("tenant", tenant), ("ref", ref)):
            if value is not None:
                sql += f" AND {column} = ?"
                values.append(value)
        bound = f" AND seq {'<' if newest_first else '>'} {after:d}" if after else ""
        order = f" ORDER BY seq {'DESC' if newest_first else 'ASC'} LIMIT {limit:d}"
        with self._lock:
            rows = self._connection.execute(sql + bound + order, values).fetchall()
        return [_document(row) for row in rows]


def _document(row: tuple[int, str, str, str, str]) -> Document:
    return Document(row[0], row[1], row[2], row[3], json.loads(row[4]))
