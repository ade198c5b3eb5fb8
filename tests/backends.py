"""The real parts of a test run. `pytest -p tests.backends` with SCAIFLOW_TEST_DB=postgres or mariadb starts that database
and a Redis, and the whole suite stands on them; without the variable it stands on SQLite and memory.

A plugin and no conftest, because pytest-django reads the settings before any conftest. Workers of xdist find what the first
process started in their environment.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

from tests.buckets import KEYS, new_bucket, running_s3
from tests.servers import NoServer, running_mariadb, running_postgres, running_redis

CHOICE, DATABASE, REDIS = "SCAIFLOW_TEST_DB", "TEST_DATABASE_URL", "TEST_REDIS_URL"
DATABASES = {"sqlite": None, "postgres": running_postgres, "mariadb": running_mariadb}
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


def pytest_report_header() -> str:
    return f"backend: {os.environ.get(DATABASE, 'sqlite').partition(':')[0]}"


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
