from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.conftest import Caller
from tests.loopback import Told
from tests.scaikey import ScaiKey

TOKENS = {"access_token": "a", "refresh_token": "r", "id_token": "i", "token_type": "Bearer", "expires_in": 600}
CODE = {"code": "c-1", "code_verifier": "v-1", "redirect_uri": "http://localhost:5173/auth/callback"}
ROADS = {"exchange": CODE, "refresh": {"refresh_token": "r-1"}}


def test_the_canvas_is_told_how_to_sign_in(stranger: Caller, scaikey: ScaiKey) -> None:
    assert stranger.get("/api/v1/auth/config").json() == {
        "auth_mode": "scaikey",
        "scaikey_base_url": scaikey.url,
        "client_id": "scaiflow",
        "audience": "scaiflow",
        "redirect_uri": "http://localhost:5173/auth/callback",
    }


@pytest.mark.parametrize("road", ROADS)
def test_the_server_adds_the_clients_secret_and_hands_the_tokens_back(
    stranger: Caller, scaikey: ScaiKey, road: str
) -> None:
    scaikey.on("POST", "/token", Told(200, TOKENS | {"more": "of ScaiKey's own"}))
    answer = stranger.post(f"/api/v1/auth/{road}", ROADS[road])
    assert (answer.status_code, answer.json()) == (200, TOKENS)
    assert answer["Cache-Control"] == "no-store"
    sent = scaikey.calls("POST", "/token")[-1]
    form = {name: values[0] for name, values in parse_qs(sent.body.decode()).items()}
    grant = {"exchange": "authorization_code", "refresh": "refresh_token"}[road]
    assert form == {"grant_type": grant, **ROADS[road]}
    assert base64.b64decode(sent.headers["Authorization"].removeprefix("Basic ")) == b"scaiflow:the-clients-secret"


@pytest.mark.parametrize("road", ROADS)
def test_what_scaikey_refuses_is_refused_in_its_words(stranger: Caller, scaikey: ScaiKey, road: str) -> None:
    scaikey.on("POST", "/token", Told(400, {"error": "invalid_grant", "error_description": "code was used"}))
    answer = stranger.post(f"/api/v1/auth/{road}", ROADS[road])
    assert answer.status_code == 400
    assert answer.json()["detail"] | {"message": ""} == {
        "error": "invalid_grant",
        "error_description": "code was used",
        "message": "",
    }


@pytest.mark.parametrize("told", [Told(500, {}), Told(503, b"busy"), Told(200, b"<html>"), Told(200, [1])])
@pytest.mark.parametrize("road", ROADS)
def test_a_scaikey_that_fails_is_a_bad_gateway_and_asked_once(
    stranger: Caller, scaikey: ScaiKey, road: str, told: Told
) -> None:
    scaikey.on("POST", "/token", told)
    before = len(scaikey.calls("POST", "/token"))
    assert stranger.post(f"/api/v1/auth/{road}", ROADS[road]).status_code == 502
    assert len(scaikey.calls("POST", "/token")) == before + 1


@pytest.mark.parametrize("road", ROADS)
def test_a_scaikey_out_of_reach_is_a_bad_gateway(stranger: Caller, settings: Any, road: str) -> None:
    settings.SCAIKEY_BASE_URL = "http://127.0.0.1:9"
    assert stranger.post(f"/api/v1/auth/{road}", ROADS[road]).status_code == 502


@pytest.mark.parametrize("missing", ["SCAIKEY_BASE_URL", "SCAIKEY_CLIENT_ID", "SCAIKEY_CLIENT_SECRET"])
@pytest.mark.parametrize("road", ROADS)
def test_without_a_scaikey_or_a_client_there_is_no_sign_in(
    stranger: Caller, scaikey: ScaiKey, settings: Any, road: str, missing: str
) -> None:
    setattr(settings, missing, "")
    assert stranger.post(f"/api/v1/auth/{road}", ROADS[road]).status_code == 503


@pytest.mark.parametrize("missing", CODE)
def test_a_field_that_is_missing_is_named(stranger: Caller, scaikey: ScaiKey, missing: str) -> None:
    answer = stranger.post("/api/v1/auth/exchange", {name: CODE[name] for name in CODE if name != missing})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", missing])


def test_me_says_who_is_calling(tara: Caller) -> None:
    assert tara.get("/api/v1/me").json() == {
        "sub": "usr_tara",
        "tenant_id": "tnt_demo",
        "email": "ada@demo.test",
        "display_name": "Ada",
        "permissions": ["scaicore:manage", "scaicore:view"],
        "groups": [],
        "admin_role": "tenant_admin",
        "admin_role_source": "manual",
    }


def test_the_developers_door_is_shut_unless_it_is_opened(stranger: Caller, settings: Any) -> None:
    settings.AUTH_DISABLED = False
    assert stranger.get("/api/v1/me").status_code == 401
    settings.AUTH_DISABLED = True
    assert stranger.get("/api/v1/me").json()["sub"] == "usr_developer"
