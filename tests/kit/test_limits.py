"""Who comes too often where there is no token yet is told to wait, and nobody else is."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from scaiflow.kit.limits import address_of
from tests.conformance import parsed
from tests.conftest import Caller, SignIn

pytestmark = pytest.mark.django_db
EXCHANGE = "/api/v1/auth/exchange"


@pytest.fixture(autouse=True)
def three_a_minute(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    settings.RATE_LIMITS = {"signin": 3, "webhooks": 3, "secrets": 3}
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0 + 12)


@pytest.mark.parametrize("path", [EXCHANGE, "/api/v1/auth/refresh", "/api/v1/webhooks/scaikey", "/api/v1/dev/deploy"])
def test_the_fourth_in_a_minute_is_told_when_to_come_again(stranger: Caller, path: str) -> None:
    assert {stranger.post(path, {}).status_code for _ in range(3)} & {429} == set()
    refused = stranger.post(path, {})
    assert (refused.status_code, refused["Retry-After"]) == (429, "48")
    assert isinstance(refused.json()["detail"], str)


@pytest.mark.parametrize("path", ["/login", "/login/callback", "/metrics"])
def test_pages_and_other_secrets_are_counted_too(stranger: Caller, path: str) -> None:
    statuses = [stranger.get(path).status_code for _ in range(4)]
    assert [status == 429 for status in statuses] == [False, False, False, True]


def test_one_address_does_not_use_up_anothers(stranger: Caller, settings: Any) -> None:
    for _ in range(4):
        stranger.post(EXCHANGE, {}, REMOTE_ADDR="192.0.2.1")
    assert stranger.post(EXCHANGE, {}, REMOTE_ADDR="192.0.2.2").status_code == 422


def test_a_minute_later_the_count_begins_anew(stranger: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        stranger.post(EXCHANGE, {})
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0 + 60)
    assert stranger.post(EXCHANGE, {}).status_code == 422


def test_nothing_else_is_counted(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # tokens have a time of their own
    ada = sign_in("usr_ada")
    assert {ada.get("/api/v1/flows").status_code for _ in range(8)} == {200}


def test_a_limit_of_nothing_is_none(stranger: Caller, settings: Any) -> None:
    settings.RATE_LIMITS = {"signin": 0}
    assert {stranger.post(EXCHANGE, {}).status_code for _ in range(8)} == {422}


def test_a_cache_that_is_down_lets_everybody_through(stranger: Caller, settings: Any) -> None:
    redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}
    settings.CACHES = {"default": redis}
    assert {stranger.post(EXCHANGE, {}).status_code for _ in range(5)} == {422}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "198.51.100.7"),
        (1, "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        (2, "203.0.113.9, 192.0.2.1, 192.0.2.2", "192.0.2.1"),
        (2, "192.0.2.2", "198.51.100.7"),
        (1, "", "198.51.100.7"),
        (1, "nonsense", "unknown"),
        (1, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
    ],
)
def test_who_knocks_is_what_our_own_proxies_saw(settings: Any, proxies: int, forwarded: str, address: str) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="198.51.100.7", HTTP_X_FORWARDED_FOR=forwarded)
    assert address_of(request) == address


def test_every_counted_call_tells_of_it_in_the_document(settings: Any) -> None:
    for path in settings.RATE_LIMITED_PATHS:
        call = parsed()["paths"].get(path, {}).get("post")
        assert call is None or "429" in call["responses"], path
