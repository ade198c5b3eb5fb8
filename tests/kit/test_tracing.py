"""A bug of ours is reported where SENTRY_DSN says, once, with its ids and without secrets; nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk

from scaiflow.kit import tracing
from tests.conftest import Caller
from tests.e2e.watchers import Sentry
from tests.loopback import serving

pytestmark = pytest.mark.django_db
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c3JfYWRhIn0.c2lnbmF0dXJl"


@pytest.fixture
def sentry(settings: Any) -> Iterator[Sentry]:
    with serving(Sentry()) as running:
        settings.SENTRY_DSN = running.dsn  # type: ignore[attr-defined]
        tracing.start("web")
        yield running  # type: ignore[misc]
        sentry_sdk.get_client().close()
        sentry_sdk.init()


def test_a_bug_is_reported_with_its_request_and_without_secrets(
    sentry: Sentry, ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*args: Any, **kwargs: Any) -> None:
        password = "-".join(["kept", "in", "a", "variable"])
        raise ZeroDivisionError(f"Bearer {TOKEN} {len(password)}")

    monkeypatch.setattr("flows.views.flows.content_of", bug)
    answer = ada.post("/api/v1/flows", {"name": "x", "content": CONTENT}, headers={"X-Request-ID": "req-with-a-bug"})
    assert answer.status_code == 500
    sentry_sdk.flush(5)
    (event,) = sentry.events
    assert event["exception"]["values"][-1]["type"] == "ZeroDivisionError"
    assert event["tags"]["request_id"] == "req-with-a-bug"
    assert event["server_name"] == "web"
    for secret in (TOKEN, "kept-in-a-variable", ada.token):
        assert str(secret) not in str(event)


def test_what_a_caller_is_told_of_is_no_bug(sentry: Sentry, ada: Caller) -> None:
    assert ada.get("/api/v1/flows/flow_none").status_code == 404
    assert ada.post("/api/v1/flows", {}).status_code == 422
    sentry_sdk.flush(5)
    assert sentry.events == []


CONTENT = {"name": "x", "nodes": [], "edges": []}
