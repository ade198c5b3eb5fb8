"""A browser's session acts as the person's own token would, and the token never leaves the server."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.signals import request_started
from django.db import connections

from flows.models import Flow, FlowVersion
from scaiflow.console.session import principal_of
from scaiflow.kit.models import AuditEntry
from tenants.models import User
from tests.console.conftest import Visit
from tests.console.visitors import Visitor
from tests.loopback import Asked, Told
from tests.scaikey import ScaiKey


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(scaikey: ScaiKey, db: None) -> None:
    answer = Visitor(scaikey).get("/flows?search=x")
    assert answer["Location"] == "/?next=%2Fflows%3Fsearch%3Dx"
    page = Visitor(scaikey).get(answer["Location"]).content.decode()
    assert 'href="/login?next=%2Fflows%3Fsearch%3Dx"' in page


def test_a_part_of_a_page_without_a_session_makes_the_whole_page_sign_in(scaikey: ScaiKey, db: None) -> None:
    answer = Visitor(scaikey).get("/flows", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/"
    assert answer.content == b""


def test_the_session_holds_no_token_in_the_clear_and_the_browser_none_at_all(ada_at: Visitor) -> None:
    kept = json.dumps([session.get_decoded() for session in Session.objects.all()])
    assert "v1." in kept
    assert not any(word in kept for word in ("eyJ", "rt-1"))
    assert not any("eyJ" in cookie.value for cookie in ada_at.cookies.values())
    assert "eyJ" not in ada_at.read("/")


def test_a_token_that_is_about_to_end_is_exchanged_once_for_the_next(visit: Visit, scaikey: ScaiKey) -> None:
    visitor = visit("usr_ada", expires_in=30)
    visitor.grant(access_token=scaikey.token(), refresh_token="rt-2", expires_in=600)
    before = len(scaikey.calls("POST", "/token"))
    visitor.read("/flows")
    visitor.read("/flows")
    asked = scaikey.calls("POST", "/token")[before:]
    assert len(asked) == 1
    assert b"refresh_token=rt-1" in asked[0].body


def test_a_refused_refresh_ends_the_session_when_the_token_has_ended(visit: Visit, scaikey: ScaiKey) -> None:
    visitor = visit("usr_ada", expires_in=-5)
    scaikey.on("POST", "/token", Told(400, {"error": "invalid_grant"}))
    assert visitor.get("/flows").status_code == 302


def test_a_scaikey_that_is_away_ends_nobodys_session_before_the_token_does(visit: Visit, scaikey: ScaiKey) -> None:
    visitor = visit("usr_ada", expires_in=30)
    scaikey.on("POST", "/token", Told(500, {}))
    assert visitor.get("/flows").status_code == 200


def test_a_scaikey_that_is_away_is_told_when_the_token_has_ended(visit: Visit, scaikey: ScaiKey) -> None:
    visitor = visit("usr_ada", expires_in=-5)
    scaikey.on("POST", "/token", Told(500, {}))
    assert visitor.get("/flows").status_code == 502


def test_a_token_of_somebody_else_is_no_session(visit: Visit, scaikey: ScaiKey) -> None:
    visitor = visit("usr_ada", expires_in=30)
    visitor.grant(access_token=scaikey.token(sub="usr_eve"), expires_in=600)
    assert visitor.get("/flows").status_code == 302


def test_rights_are_those_of_the_token(vera_at: Visitor) -> None:
    assert vera_at.get("/flows").status_code == 200
    assert vera_at.send("/flows/new", {"name": "Mine"}).status_code == 403
    assert not Flow.objects.exists()
    assert AuditEntry.objects.get(result="refused").actor_id == "usr_vera"


def test_who_is_shut_out_is_out_at_once(ada_at: Visitor) -> None:
    User.objects.filter(id="usr_ada").update(status="SUSPENDED")
    assert ada_at.get("/flows").status_code == 302


def test_a_form_from_elsewhere_is_refused(ada_at: Visitor) -> None:
    assert ada_at.post("/flows/new", {"name": "Forged"}).status_code == 403
    assert not Flow.objects.exists()


def test_every_page_has_a_strict_policy_and_is_kept_nowhere(ada_at: Visitor) -> None:
    answer: Any = ada_at.get("/flows")
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "no-store"
    page = answer.content.decode()
    assert "style=" not in page
    assert " onclick=" not in page
    assert "<script>" not in page


def test_what_leads_nowhere_and_forms_out_of_date_have_pages_of_their_own(ada_at: Visitor) -> None:
    for answer, words in (
        (ada_at.get("/nowhere"), "There is no such page"),
        (ada_at.post("/flows/new", {"name": "Forged"}), "This form is out of date"),
    ):
        assert words in answer.content.decode()
        assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_a_part_that_is_down_is_told_on_a_page_like_any_other(ada_at: Visitor, empty_storage: Path) -> None:
    ada_at.send("/flows/new", {"name": "Mine"})
    FlowVersion.objects.update(object_key="gone")
    page = ada_at.get(f"/flows/{Flow.objects.get().id}")
    assert page.status_code == 503
    assert "the object storage does not answer" in page.content.decode()


class OneTimeTokens:
    """A ScaiKey that answers no one before all have come, and each refresh token once. The next access token is good."""

    def __init__(self, scaikey: ScaiKey, askers: int) -> None:
        self.scaikey, self.used, self.asked = scaikey, set[bytes](), 0
        self.all_have_come = threading.Event()
        self.waiting = askers
        self.lock = threading.Lock()
        scaikey.on("POST", "/token", self)

    def came(self, **_: Any) -> None:
        with self.lock:
            self.waiting -= 1
            if self.waiting == 0:
                self.all_have_come.set()

    def __call__(self, asked: Asked) -> Told:
        assert self.all_have_come.wait(20)
        with self.lock:
            self.asked += 1
            is_first = asked.body not in self.used
            self.used.add(asked.body)
        if not is_first:
            return Told(400, {"error": "invalid_grant", "error_description": "used already"})
        tokens = {"access_token": self.scaikey.token(), "refresh_token": f"rt-{self.asked + 1}", "expires_in": 600}
        return Told(200, tokens)


def together(visitor: Visitor, number: int, scaikey: ScaiKey) -> tuple[OneTimeTokens, list[int]]:
    """The same browser asks for a page in several tabs at one moment."""
    scaikey_once = OneTimeTokens(scaikey, number)
    start = threading.Barrier(number)

    def tab(_: int) -> int:
        client = Visitor(scaikey)
        client.cookies = visitor.cookies
        start.wait(20)
        try:
            return int(client.get("/flows").status_code)
        finally:
            connections.close_all()

    request_started.connect(scaikey_once.came)
    try:
        with ThreadPoolExecutor(number) as pool:
            return scaikey_once, list(pool.map(tab, range(number)))
    finally:
        request_started.disconnect(scaikey_once.came)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("expires_in", [30, -5], ids=["about to end", "ended"])
def test_of_many_requests_at_once_one_refreshes_and_nobody_is_signed_out(
    visit: Visit, scaikey: ScaiKey, expires_in: int
) -> None:
    visitor = visit("usr_ada", expires_in=expires_in)
    once, statuses = together(visitor, 8, scaikey)
    assert statuses == [200] * 8
    assert once.asked == 1
    assert visitor.get("/flows").status_code == 200
    assert once.asked == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_share_no_cache_do_not_sign_each_other_out(
    visit: Visit, scaikey: ScaiKey, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both use the token; ScaiKey takes it from the first, and the second goes on with what the first was given."""
    monkeypatch.setattr("scaiflow.console.session.BEHIND_SECONDS", 20)
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    visitor = visit("usr_ada", expires_in=-5)
    once, statuses = together(visitor, 2, scaikey)
    assert statuses == [200, 200]
    assert visitor.get("/flows").status_code == 200


def test_a_request_that_writes_its_session_late_does_not_put_used_tokens_back(visit: Visit, scaikey: ScaiKey) -> None:
    visitor = visit("usr_ada", expires_in=-5)
    request: Any = SimpleNamespace(session=visitor.session, user=User.objects.get(id="usr_ada"))
    early = SessionStore(visitor.session.session_key)
    assert early["scaikey"]  # read before the other request refreshes
    visitor.grant(access_token=scaikey.token(), refresh_token="rt-2", expires_in=600)
    assert visitor.get("/flows").status_code == 200
    scaikey.on("POST", "/token", Told(400, {"error": "invalid_grant"}))
    request.session = early
    assert principal_of(request) is not None
    early["something"] = 1
    early.save()
    assert visitor.get("/flows").status_code == 200
