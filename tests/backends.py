"""The real parts of a test run. `pytest -p tests.backends` with SCAIFLOW_TEST_DB=postgres or mariadb starts that database
and a Redis, and the whole suite stands on them; without the variable it stands on SQLite and memory.

A plugin and no conftest, because pytest-django reads the settings before any conftest. Workers of xdist find what the first
process started in their environment. On PostgreSQL and MariaDB only those tests run that stand on a database: the others
would say a second time what the run on SQLite said.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest
import redis

from tests.buckets import KEYS, new_bucket, running_s3
from tests.servers import NoServer, running_mariadb, running_postgres, running_redis

CHOICE, DATABASE, REDIS = "SCAIFLOW_TEST_DB", "TEST_DATABASE_URL", "TEST_REDIS_URL"
DATABASES = {"sqlite": None, "postgres": running_postgres, "mariadb": running_mariadb}
MATRIX = Path(__file__).parents[1] / "var" / "matrix.txt"
# What stands on the run's real parts is marked django_db or asks for one of these: Django's database, a server of the run.
STANDS = {"db", "transactional_db", "django_db_setup", "make_stage", "stage"}
_RUNNING = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    choice = os.environ.get(CHOICE, "sqlite")
    if choice not in DATABASES:
        raise pytest.UsageError(f"{CHOICE} is one of {', '.join(DATABASES)}, not {choice!r}")
    start = DATABASES[choice]
    if start and DATABASE not in os.environ:
        try:
            os.environ[DATABASE] = _RUNNING.enter_context(start())
            os.environ[REDIS] = _RUNNING.enter_context(running_redis())
        except NoServer as error:
            raise pytest.UsageError(f"{choice}: NOT RUN: {error}") from None
    return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if DATABASE not in os.environ:
        return
    config.hook.pytest_deselected(items=[item for item in items if not _stands(item)])
    items[:] = [item for item in items if _stands(item)]


def _stands(item: pytest.Item) -> bool:
    if item.get_closest_marker("wire") and not item.get_closest_marker("everywhere"):
        return False
    return bool(item.get_closest_marker("django_db") or STANDS & set(getattr(item, "fixturenames", ())))


def pytest_report_header() -> str:
    return f"backend: {os.environ.get(DATABASE, 'sqlite').partition(':')[0]}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The line of this run for the matrix; those of all runs are in var/matrix.txt, which CI shows at its end."""
    if hasattr(config, "workerinput"):
        return
    counts = {word: len(terminalreporter.stats.get(word, ())) for word in ("passed", "failed", "error", "skipped")}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    reasons = sorted({str(one.longrepr[2]) for one in terminalreporter.stats.get("skipped", ())})
    why = "".join(f"; skipped: {reason}" for reason in reasons)
    which = config.option.markexpr or "all"
    if DATABASE in os.environ:
        which += "; what knows no database ran on SQLite"
    line = f"matrix: {stood_on()}: {told or 'nothing ran'} ({which}){why}"
    terminalreporter.write_line(line)
    MATRIX.parent.mkdir(exist_ok=True)
    with MATRIX.open("a") as file:
        file.write(line + "\n")


def stood_on() -> str:
    """The real parts of this run, with their versions."""
    url = os.environ.get(DATABASE)
    if url is None:
        return f"SQLite {sqlite3.sqlite_version}, Redis where a test starts one (PostgreSQL and MariaDB: make test-all)"
    parts = urlsplit(url)
    if parts.scheme == "postgres":
        with psycopg.connect(url) as server:
            database = f"PostgreSQL {server.info.server_version // 10_000}.{server.info.server_version % 10_000}"
    else:
        with pymysql.connect(host=parts.hostname, port=parts.port, user=parts.username) as server:
            database = f"MariaDB {server.get_server_info().removeprefix('5.5.5-').partition('-')[0]}"
    with redis.Redis.from_url(os.environ[REDIS]) as client:
        found = client.info("server")
    return (
        f"{database}, {found.get('server_name', 'redis').title()} {found.get('valkey_version', found['redis_version'])}"
    )


def pytest_unconfigure() -> None:
    _RUNNING.close()


@contextmanager
def real_parts() -> Iterator[dict[str, str]]:
    """Variables for a server's processes that stand on the run's real parts: a database of their own, its Redis, a bucket.
    Nothing on SQLite, where all of that is embedded."""
    if DATABASE not in os.environ:
        yield {}
        return
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    with running_s3() as endpoint:
        yield {
            "SCAIFLOW_DB_URL": _new_database(os.environ[DATABASE]),
            "SCAIFLOW_REDIS_URL": f"{os.environ[REDIS].rpartition('/')[0]}/{int(worker) + 1}",
            "SCAIFLOW_STORAGE_URL": new_bucket(endpoint),
            **KEYS,
        }


def _new_database(url: str) -> str:
    name, parts = f"own_{secrets.token_hex(6)}", urlsplit(url)
    if parts.scheme == "postgres":
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")
    else:
        with pymysql.connect(host=parts.hostname, port=parts.port, user=parts.username) as server:
            server.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    return url.rpartition("/")[0] + f"/{name}"
