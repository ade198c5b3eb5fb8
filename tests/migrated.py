"""An installation's database with its tables: made once in a run of tests, and copied."""

from __future__ import annotations

import atexit
import functools
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from scaiflow.console.processes import Processes, clean_environment
from scaiflow.console.stage import MANAGE

COMMAND = [*MANAGE, "migrate", "--noinput"]


def migrate(group: Processes, env: Mapping[str, str]) -> None:
    """What `manage.py migrate` makes of the empty database of `env`. SQLite's is a file, so that one process less is
    started for each installation. Raises NotStarted."""
    scheme, _, place = env["SCAIFLOW_DB_URL"].partition(":///")
    if scheme == "sqlite":
        with closing(sqlite3.connect(_made())) as made, closing(sqlite3.connect(place)) as own:
            made.backup(own)
    else:
        group.run("migrate", COMMAND, env)


@functools.cache
def _made() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="scaiflow-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place = folder / "scaiflow.db"
    ours = {"SCAIFLOW_DEBUG": "true", "SCAIFLOW_ENV_FILE": "/dev/null", "SCAIFLOW_DB_URL": f"sqlite:///{place}"}
    with Processes(logs=folder) as group:
        group.run("migrate", COMMAND, clean_environment() | ours)
    return place
