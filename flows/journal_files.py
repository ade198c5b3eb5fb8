"""The log of embedded installations: files beside SQLite's, in front of the database as streams are with Redis.

A process appends to a file of its own, which costs a tenth of a row, and brings it into the database within seconds. Every
group is in a file or in the database at any moment: a file is removed after its groups were written there. So who reads the
files first and the database after them has read everything. Who writes a file holds a lock on it for as long as it lives.
"""

from __future__ import annotations

import fcntl
import glob
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from django.db import connection

from flows.sync import records
from flows.sync.records import Group


class LogFile:
    def __init__(self, path: Path) -> None:
        """Raises OSError, also when somebody took the new file for one that was left behind before it was locked."""
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(self._descriptor).st_nlink:
                raise FileNotFoundError(f"{path} was taken away")
        except OSError:
            os.close(self._descriptor)
            raise

    def append(self, data: bytes) -> None:
        """Outlives this process when it returns. Raises OSError; then some of it may be there, and nothing may follow it."""
        while data:
            data = data[os.write(self._descriptor, data) :]

    def remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        finally:
            os.close(self._descriptor)


def new_file(name: str) -> LogFile:
    """Raises OSError."""
    base = _base()
    if base is None:
        raise FileNotFoundError("the database is in no file")
    return LogFile(base.with_name(f"{base.name}-sync-{name}"))


def read_files(flow_id: str) -> list[bytes]:
    """What was written for a flow and may not be in the database yet."""
    return [change for path in _paths() for found, change in _groups_in(path) if found == flow_id]


def all_groups() -> list[Group]:
    """What may not be in the database yet, of whatever process."""
    return [group for path in _paths() for group in _groups_in(path)]


def left_behind() -> Iterator[tuple[Path, list[Group]]]:
    """The files of processes that have died."""
    for path in _paths():
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield path, records.decode(file.read())
        except (BlockingIOError, FileNotFoundError):
            continue  # somebody writes it, or has just brought it in


def set_aside() -> list[Path]:
    """Takes all of them out of the log, under names of their own beside the database, and answers those: they are of the
    database that was there before. Raises BlockingIOError when somebody writes one."""
    if (base := _base()) is None:
        return []
    aside = []
    with ExitStack() as held:
        found = [(path, held.enter_context(path.open("rb"))) for path in _paths()]
        for _, file in found:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path, _ in found:
            number = path.name.removeprefix(f"{base.name}-sync-")
            aside.append(path.rename(path.with_name(f"{base.name}-before-restore-{number}")))
    return aside


def _groups_in(path: Path) -> list[Group]:
    try:
        return records.decode(path.read_bytes())
    except FileNotFoundError:
        return []  # it is in the database now


def _paths() -> list[Path]:
    base = _base()
    return sorted(base.parent.glob(f"{glob.escape(base.name)}-sync-*")) if base else []


def _base() -> Path | None:
    """The database's file, where it is one."""
    name = str(connection.settings_dict["NAME"])
    return Path(name) if connection.vendor == "sqlite" and ":" not in name else None
