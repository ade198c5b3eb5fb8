"""The real parts of a test run. `pytest -p tests.backends` with SCAIFLOW_TEST_DB=postgres or mariadb starts that database
and a Redis, and the whole suite stands on them; without the variable it stands on SQLite and memory.

A plugin and no conftest, because pytest-django reads the settings before any conftest. Workers of xdist find what the first
process started in their environment.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

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
