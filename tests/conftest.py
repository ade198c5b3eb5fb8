"""The cast and the stage: people with real tokens, services on loopback, and no other network."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.core.management.commands import flush
from django.db import OperationalError, connection, transaction
from django.test import override_settings
from django.urls import resolve
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

import scaiflow.celery  # noqa: F401  the Celery application, as the server's entry points load it
from scaiflow.kit.models import AuditEntry
from scaiflow.sandbox.runtime.interpreter import STACK
from tenants.models import User
from tests import cast, conformance
from tests.loopback import Service, serving
from tests.scaikey import ScaiKey
from tests.settings import WORK

append_only = import_module("scaiflow.kit.migrations.0002_append_only")
FILLED_BY_MIGRATIONS = {"django_content_type", "auth_permission"}
REAL_CONNECT = socket.socket.connect


@pytest.fixture(autouse=True, scope="session")
def no_network_but_loopback() -> Iterator[None]:
    def connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise OSError(f"tests reach loopback only, not {address[0]}")
        return REAL_CONNECT(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = REAL_CONNECT  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Between tests the tables are emptied (with DELETE, or TRUNCATE), which the audit log's own triggers would refuse.
    What migrations leave in them stays: to make it anew after each test with `transaction=True` takes most of its end."""
    flush.sql_flush, flush.emit_post_migrate_signal = emptied_tables, lambda *_, **__: None
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for event in append_only.events(connection.vendor):
            if event != "update":
                cursor.execute(append_only.drop(connection.vendor, event))


def emptied_tables(style: Any, connection: Any, **how: bool) -> list[str]:
    """The statements of `manage.py flush`."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return connection.ops.sql_flush(style, [name for name in names if name not in FILLED_BY_MIGRATIONS], **how)


@pytest.fixture(autouse=True)
def empty_storage() -> Iterator[Path]:
    """What is in object storage: nothing, at the beginning of a test."""
    folder = WORK / "objects"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _scaikey_server() -> Iterator[ScaiKey]:
    with serving(ScaiKey()) as running:
        yield running


@pytest.fixture
def scaikey(_scaikey_server: ScaiKey, settings: Any) -> ScaiKey:
    settings.SCAIKEY_BASE_URL = _scaikey_server.url
    return _scaikey_server


@pytest.fixture
def scaigrid(settings: Any) -> Iterator[Service]:
    """A ScaiGrid (and ScaiQueue) that answers what the test tells it to."""
    with serving(Service()) as running:
        settings.SCAIGRID_BASE_URL = running.url
        settings.SCAIGRID_ALLOWED_HOSTS = ["127.0.0.1"]
        yield running


@pytest.fixture
def break_the_log(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, no entry can be written into the audit log."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("the audit log's disk is full")

    return lambda: monkeypatch.setattr(AuditEntry, "save", refuse)


# As the sandbox's runtime does while it runs something; hypothesis wants no change during a test.
sys.setrecursionlimit(max(sys.getrecursionlimit(), STACK))
# A busy machine is no finding; and what CI tries is the same every time.
hypothesis_settings.register_profile(
    "ours", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("ours")


class Caller(APIClient):
    """A client with somebody's token. Bugs of the server come as the answers that people would get."""

    def __init__(self, token: str | None = None) -> None:
        super().__init__(raise_request_exception=False)
        self.default_format = "json"
        self.token = token
        if token:
            self.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def request(self, **kwargs: Any) -> Any:
        """Every answer is held against the OpenAPI document."""
        answer = super().request(**kwargs)
        if kwargs["PATH_INFO"].startswith("/api/") and not answer.has_header("Location"):
            match = resolve(kwargs["PATH_INFO"])
            kind = answer.headers.get("Content-Type", "")
            conformance.check(kwargs["REQUEST_METHOD"], match.route, answer.status_code, kind, answer.getvalue())
        return answer

    def generic_json(self, method: str, path: str, body: Any) -> int:
        """The status of any method on any road."""
        raw = b"" if body is None else json.dumps(body).encode()
        return self.generic(method, path, raw, content_type="application/json").status_code


SignIn = Callable[..., Caller]
Once = Callable[[Callable[[SignIn], Any]], Any]


def sign_in_at(scaikey: ScaiKey) -> SignIn:
    def make(sub: str, *, tenant: str = "tnt_demo", admin_role: str | None = None, **claims: Any) -> Caller:
        if admin_role:
            source = {"admin_role": admin_role, "admin_role_source": "manual"}
            User.objects.update_or_create(id=sub, defaults={"tenant_id": tenant, **source})
        return Caller(scaikey.token(sub=sub, tenant_id=tenant, **claims))

    return make


@pytest.fixture
def sign_in(db: None, scaikey: ScaiKey) -> SignIn:
    """`sign_in("usr_bob", tenant="tnt_other", scope="scaicore:view", admin_role="tenant_admin")`"""
    return sign_in_at(scaikey)


@pytest.fixture(scope="module")
def once(django_db_setup: None, django_db_blocker: Any, _scaikey_server: ScaiKey) -> Iterator[Once]:
    """`once(build)` makes what all tests of a module begin with, in the database and in storage: each test takes back its
    own changes and no more. Not for a module with `transaction=True` tests, which empty the database."""

    def make(build: Callable[[SignIn], Any]) -> Any:
        with django_db_blocker.unblock(), override_settings(SCAIKEY_BASE_URL=_scaikey_server.url):
            made = build(sign_in_at(_scaikey_server))
        if (WORK / "objects").exists():
            shutil.move(WORK / "objects", WORK / "objects-made-once")
        return made

    whole = transaction.atomic()
    with django_db_blocker.unblock():
        whole.__enter__()
    yield make
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        whole.__exit__(None, None, None)
    shutil.rmtree(WORK / "objects-made-once", ignore_errors=True)


@pytest.fixture
def objects_made_once(empty_storage: Path) -> None:
    """What `once` put into storage is there, and goes again with the test."""
    shutil.copytree(WORK / "objects-made-once", empty_storage, dirs_exist_ok=True)


@pytest.fixture
def ada(sign_in: SignIn) -> Caller:
    return sign_in(**cast.ADA)


@pytest.fixture
def vera(sign_in: SignIn) -> Caller:
    return sign_in(**cast.VERA)


@pytest.fixture
def tara(sign_in: SignIn) -> Caller:
    return sign_in(**cast.TARA)


@pytest.fixture
def sam(sign_in: SignIn) -> Caller:
    return sign_in(**cast.SAM)


@pytest.fixture
def olaf(sign_in: SignIn) -> Caller:
    return sign_in(**cast.OLAF)


@pytest.fixture
def stranger(db: None) -> Caller:
    """Somebody without a token."""
    return Caller()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-cases", action="store_true", help="write the compiler's golden cases anew, for review")
