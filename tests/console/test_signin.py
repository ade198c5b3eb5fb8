"""Browser sign-in through ScaiKey, the sessions it makes, and what Django's admin shows to whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from scaiflow.kit.models import AuditEntry
from tenants.models import User
from tests.kit.test_env import PRODUCTION
from tests.loopback import Told
from tests.scaikey import RSA_KEYS, ScaiKey

pytestmark = pytest.mark.django_db


class Browser(Client):
    def __init__(self, scaikey: ScaiKey) -> None:
        super().__init__(raise_request_exception=False, enforce_csrf_checks=True)
        self.scaikey = scaikey
        self.tokens = {"refresh_token": "rt", "expires_in": 600}
        self.scope = "scaicore:view scaicore:manage"

    def leave(self, after: str = "") -> dict[str, str]:
        """To ScaiKey: the query that it is shown."""
        answer = self.get("/login", {"next": after} if after else {})
        address = urlsplit(answer["Location"])
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{self.scaikey.url}/authorize"
        return {name: values[0] for name, values in parse_qs(address.query).items()}

    def come_back(self, query: dict[str, str], id_token: Any = None, **changes: Any) -> str:
        """From ScaiKey, with a code for this id token: where we are led to."""
        claims = {"nonce": query["nonce"], "sub": "usr_sam", "tenant_id": "tnt_platform", "scope": None} | changes
        access = self.scaikey.token(**claims | {"nonce": None, "scope": self.scope})
        tokens = {"id_token": id_token or self.scaikey.token(**claims), "access_token": access}
        self.scaikey.on("POST", "/token", Told(200, tokens | self.tokens))
        return self.get("/login/callback", {"code": "c-1", "state": query["state"]})["Location"]

    @property
    def person(self) -> str | None:
        return self.session.get("_auth_user_id")


@pytest.fixture
def sam(db: None) -> User:
    role = {"admin_role": "super_admin", "admin_role_source": "manual"}
    return User.objects.create(id="usr_sam", tenant_id="tnt_platform", email="sam@demo.test", **role)


@pytest.fixture
def browser(scaikey: ScaiKey, sam: User) -> Browser:
    return Browser(scaikey)


def test_scaikey_is_shown_state_nonce_and_the_challenge(browser: Browser) -> None:
    query = browser.leave()
    assert (query["response_type"], query["client_id"], query["code_challenge_method"]) == ("code", "scaiflow", "S256")
    assert query["redirect_uri"] == "http://testserver/login/callback"
    assert all(len(query[name]) >= 32 for name in ("state", "nonce", "code_challenge"))
    assert browser.leave()["state"] != query["state"]


def test_the_code_is_exchanged_with_its_verifier_and_the_person_is_in(browser: Browser, scaikey: ScaiKey) -> None:
    query = browser.leave(after="/admin/")
    before = browser.session.session_key
    assert browser.come_back(query) == "/admin/"
    assert browser.person == "usr_sam"
    assert browser.session.session_key != before
    sent = {name: values[0] for name, values in parse_qs(scaikey.calls("POST", "/token")[-1].body.decode()).items()}
    assert len(sent["code_verifier"]) == 64
    assert sent["redirect_uri"] == query["redirect_uri"]
    assert AuditEntry.objects.get(action="browser.signed_in").actor_id == "usr_sam"


def now() -> int:
    return int(time.time())


FORGED: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another client's": {"aud": "another-client"},
    "several audiences and no party": {"aud": ["scaiflow", "another"]},
    "another party": {"azp": "another"},
    "another issuer": {"iss": "https://evil.example"},
    "expired": {"exp": now() - 3600},
    "no expiry": {"exp": None},
    "no subject": {"sub": None},
    "another tenant": {"tenant_id": "tnt_demo"},
    "nobody we know": {"sub": "usr_nobody", "email": "sam@demo.test"},
}


@pytest.mark.parametrize("forged", FORGED)
def test_an_id_token_that_does_not_answer_us_signs_nobody_in(browser: Browser, forged: str) -> None:
    assert browser.come_back(browser.leave(), **FORGED[forged]) == "/?signin=failed"
    assert browser.person is None


def test_an_id_token_signed_by_the_clients_secret_signs_nobody_in(
    browser: Browser, scaikey: ScaiKey, settings: Any
) -> None:
    query = browser.leave()
    claims = scaikey.claims(nonce=query["nonce"], sub="usr_sam", tenant_id="tnt_platform")
    for token in (
        jwt.encode(claims, settings.SCAIKEY_CLIENT_SECRET * 2, "HS256", headers={"kid": "first"}),
        jwt.encode(claims, None, "none", headers={"kid": "first"}),
        jwt.encode(claims, RSA_KEYS["first"], "PS256", headers={"kid": "first"}),
    ):
        assert browser.come_back(browser.leave() | {"nonce": query["nonce"]}, token) == "/?signin=failed"
    assert browser.person is None


def test_identity_is_the_subject_and_never_the_address(browser: Browser) -> None:
    User.objects.create(id="usr_eve", tenant_id="tnt_platform", email="eve@demo.test")
    browser.come_back(browser.leave(), sub="usr_eve", email="sam@demo.test")
    assert browser.person == "usr_eve"


def test_a_state_is_ours_and_good_once(browser: Browser) -> None:
    query = browser.leave()
    assert browser.come_back(query | {"state": "made-up"}) == "/?signin=failed"
    assert browser.come_back(query) == "/"
    assert browser.come_back(query) == "/?signin=failed"


def test_somebody_elses_answer_signs_nobody_in(browser: Browser, scaikey: ScaiKey) -> None:
    query = browser.leave()
    victim = Browser(scaikey)
    assert victim.come_back(query) == "/?signin=failed"
    assert victim.person is None


@pytest.mark.parametrize(
    "told", [Told(400, {"error": "invalid_grant"}), Told(500, {}), Told(200, {}), Told(200, b"<html>")]
)
def test_a_scaikey_that_fails_signs_nobody_in(browser: Browser, scaikey: ScaiKey, told: Told) -> None:
    query = browser.leave()
    scaikey.on("POST", "/token", told)
    assert browser.get("/login/callback", {"code": "c", "state": query["state"]})["Location"] == "/?signin=failed"
    assert browser.get("/login/callback", {"error": "access_denied", "state": query["state"]}).status_code == 302
    assert browser.person is None


def test_without_a_scaikey_there_is_no_sign_in(browser: Browser, settings: Any) -> None:
    for address in ("", "http://127.0.0.1:9"):
        settings.SCAIKEY_BASE_URL = address
        assert browser.get("/login")["Location"] == "/?signin=failed"


@pytest.mark.parametrize(
    "after", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "http:evil.example"]
)
def test_nobody_is_led_away_from_here(browser: Browser, after: str) -> None:
    assert browser.come_back(browser.leave(after=after)) == "/"


def test_no_token_is_kept_in_the_session(browser: Browser) -> None:
    browser.come_back(browser.leave())
    kept = json.dumps([session.get_decoded() for session in Session.objects.all()])
    assert not any(word in kept for word in ("eyJ", '"at"', '"rt"', "verifier"))


def test_signing_out_ends_the_session_and_needs_a_form_of_ours(browser: Browser) -> None:
    browser.come_back(browser.leave())
    assert browser.get("/logout").status_code == 405
    assert browser.post("/logout").status_code == 403
    page = browser.get("/").content.decode()
    form = {"csrfmiddlewaretoken": page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]}
    old = browser.cookies["__Host-session"].value
    assert browser.post("/logout", form)["Location"] == "/"
    assert not Session.objects.filter(session_key=old).exists()
    assert AuditEntry.objects.get(action="browser.signed_out").actor_id == "usr_sam"


@pytest.mark.parametrize(
    "change",
    [{"admin_role": None, "admin_role_source": None}, {"status": "SUSPENDED"}, {"deleted_at": "2026-01-01T00:00Z"}],
)
def test_a_session_ends_when_the_role_or_the_account_does(browser: Browser, change: dict[str, Any]) -> None:
    browser.come_back(browser.leave())
    assert browser.get("/admin/").status_code == 200
    User.objects.update(**change)
    assert browser.get("/admin/").status_code == 302
    assert "Sign in with ScaiKey" in browser.get("/").content.decode()


def test_the_admins_own_password_form_is_never_shown(browser: Browser) -> None:
    assert browser.get("/admin/login/?next=/admin/")["Location"] == "/login?next=/admin/"


def test_sessions_are_hardened_in_production() -> None:
    names = ["SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_NAME",
             "CSRF_COOKIE_SECURE", "CSRF_COOKIE_HTTPONLY", "SECURE_HSTS_SECONDS"]  # fmt: skip
    code = f"import scaiflow.settings as s; print(*[getattr(s, n) for n in {names}])"
    env = {"PATH": os.environ["PATH"], **PRODUCTION}
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", code], cwd=root, env=env, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "True", "Lax", "__Host-session", "True", "True", "31536000"]
