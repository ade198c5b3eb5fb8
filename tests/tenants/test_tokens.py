"""Attacks on tokens. Each is one change to a token that is good without it."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from scaiflow.kit.errors import Unauthenticated
from tenants.models import User
from tenants.tokens import check_token, key_ring
from tests.conftest import Caller
from tests.loopback import Told, serving
from tests.scaikey import DISCOVERY, RSA_KEYS, ScaiKey

pytestmark = pytest.mark.django_db
HOUR = 3600
STRANGE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(kid: str) -> bytes:
    return (
        RSA_KEYS[kid]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def flat(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def hand_made(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    return f"{part(header)}.{part(claims)}.{signature}"


def signed_by_hmac(scaikey: ScaiKey) -> str:
    """The classic: the public key as the secret of a symmetric signature."""
    import hashlib
    import hmac

    unsigned = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(scaikey.claims())}"
    digest = hmac.new(public_pem("first"), unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def signed_as_it_is(scaikey: ScaiKey, **changes: Any) -> str:
    """Claims that the library would not sign."""
    raw = json.dumps(scaikey.claims(**changes)).encode()
    return jwt.PyJWS().encode(raw, RSA_KEYS["first"], "RS256", headers={"kid": "first"})


def tampered(scaikey: ScaiKey) -> str:
    header, _, signature = scaikey.token().split(".")
    return f"{header}.{part(scaikey.claims(sub='usr_sam'))}.{signature}"


def now() -> int:
    return int(time.time())


ATTACKS: dict[str, Any] = {
    "garbage": lambda k: "garbage",
    "empty parts": lambda k: "..",
    "not ascii": lambda k: "é.é.é",
    "oversized": lambda k: k.token(padding="x" * 20_000),
    "alg none": lambda k: hand_made({"alg": "none", "kid": "first"}, k.claims()),
    "alg None in capitals": lambda k: hand_made({"alg": "NONE", "kid": "first"}, k.claims()),
    "no alg": lambda k: hand_made({"kid": "first"}, k.claims()),
    "signed with the public key": signed_by_hmac,
    "another algorithm of the same key": lambda k: jwt.encode(
        k.claims(), RSA_KEYS["first"], "PS256", headers={"kid": "first"}
    ),
    "a longer digest of the same key": lambda k: jwt.encode(
        k.claims(), RSA_KEYS["first"], "RS512", headers={"kid": "first"}
    ),
    "an RSA token under the EC key's id": lambda k: jwt.encode(
        k.claims(), RSA_KEYS["first"], "RS256", headers={"kid": "curve"}
    ),
    "somebody else's key under our id": lambda k: jwt.encode(k.claims(), STRANGE_KEY, "RS256", headers={"kid": "first"}),
    "changed claims": tampered,
    "cut signature": lambda k: k.token()[:-20],
    "no kid": lambda k: jwt.encode(k.claims(), RSA_KEYS["first"], "RS256"),
    "unknown kid": lambda k: k.token(headers={"kid": "never-seen"}),
    "kid is a path": lambda k: k.token(headers={"kid": "../../etc/passwd"}),
    "kid is a query": lambda k: k.token(headers={"kid": "x' OR '1'='1"}),
    "kid is a number": lambda k: hand_made({"alg": "RS256", "kid": 7}, k.claims(), "AAAA"),
    "brings its own key": lambda k: jwt.encode(
        k.claims(), STRANGE_KEY, "RS256",
        headers={"kid": "first", "jwk": json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(STRANGE_KEY.public_key()))},
    ),
    "names its own key set": lambda k: jwt.encode(
        k.claims(), STRANGE_KEY, "RS256", headers={"kid": "x", "jku": "http://127.0.0.1:1/jwks"}
    ),
    "critical extension": lambda k: k.token(headers={"crit": ["exp"], "exp": 1}),
    "expired": lambda k: k.token(exp=now() - 90),
    "no expiry": lambda k: k.token(exp=None),
    "expiry is text": lambda k: k.token(exp="tomorrow"),
    "not yet valid": lambda k: k.token(nbf=now() + HOUR),
    "issued in the future": lambda k: k.token(iat=now() + HOUR),
    "wrong issuer": lambda k: k.token(iss="https://evil.example"),
    "issuer that begins like ours": lambda k: k.token(iss=f"{k.url}.evil.example"),
    "issuer with a slash": lambda k: k.token(iss=f"{k.url}/"),
    "another tenant's issuer": lambda k: k.token(iss=f"{k.url}/tenants/tnt_other"),
    "no issuer": lambda k: k.token(iss=None),
    "wrong audience": lambda k: k.token(aud="another-client"),
    "audience that begins like ours": lambda k: k.token(aud="scaiflow2"),
    "no audience": lambda k: k.token(aud=None),
    "no subject": lambda k: k.token(sub=None),
    "empty subject": lambda k: k.token(sub=""),
    "no tenant": lambda k: k.token(tenant_id=None),
    "empty tenant": lambda k: k.token(tenant_id=""),
    "tenant is a path": lambda k: k.token(tenant_id="../tnt_other"),
    "tenant is a list": lambda k: k.token(tenant_id=["tnt_demo"]),
    "id token by type": lambda k: k.token(token_type="id_token"),
    "id token by nonce": lambda k: k.token(nonce="n-123"),
    "id token by digest": lambda k: k.token(at_hash="h-123"),
    "access token of another kind": lambda k: k.token(headers={"typ": "logout+jwt"}),
    "refresh token by its header": lambda k: k.token(headers={"typ": "refresh+jwt"}),
    "type is a number": lambda k: k.token(headers={"typ": 7}),
    "nested without end": lambda k: f"{flat('[' * 5000)}.{part({})}.AAAA",
    "nested too deep": lambda k: f"{flat('[' * 2500)}.{part({})}.AAAA",
    "a number without end": lambda k: flat(f'{{"alg": {"9" * 2900}}}') + f".{part({})}.AAAA",
    "header is a list": lambda k: f"{part(['RS256'])}.{part({})}.AAAA",
    "header is no text": lambda k: "/w.e30.AAAA",
    "encrypted, in five parts": lambda k: f"{part({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.a.b.c.d",
    "a signature too many": lambda k: f"{k.token()}.{k.token().split('.')[2]}",
    "no signature": lambda k: k.token().rpartition(".")[0] + ".",
    "signature of another token": lambda k: f"{k.token().rpartition('.')[0]}.{k.token(jti='2').split('.')[2]}",
    "issuer is a list": lambda k: signed_as_it_is(k, iss=[k.url]),
    "audience is a list without us": lambda k: k.token(aud=["a", "b"]),
    "audience is a number": lambda k: k.token(aud=7),
    "subject is a number": lambda k: k.token(sub=7),
    "subject with a line break": lambda k: k.token(sub="usr_ada\nadmin"),
    "subject without end": lambda k: k.token(sub="u" * 500),
    "expires beyond all time": lambda k: k.token(exp=float("inf")),
    "expiry is no number": lambda k: k.token(exp=float("nan")),
    "refresh token": lambda k: k.token(token_type="refresh"),
    "refresh token by use": lambda k: k.token(token_use="refresh"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_forged_or_foreign_token_is_refused(scaikey: ScaiKey, attack: str) -> None:
    answer = Caller(ATTACKS[attack](scaikey)).get("/api/v1/me")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["detail"] in {"the access token is not valid", "the access token has expired"}


@pytest.fixture
def checked(monkeypatch: Any) -> list[str]:
    """Every signature that is computed and compared from here on, by its algorithm. (The library is listened to.)"""
    seen: list[str] = []
    for kind in (jwt.algorithms.RSAAlgorithm, jwt.algorithms.ECAlgorithm):

        def verify(
            self: Any, msg: bytes, key: Any, sig: bytes, real: Any = kind.verify, name: str = kind.__name__
        ) -> bool:
            size = key.key_size // 8 if "RSA" in name else 64
            assert len(sig) == size, "refused for its length: nothing was computed"
            seen.append(name)
            return bool(real(self, msg, key, sig))

        monkeypatch.setattr(kind, "verify", verify)
    return seen


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_refusal_costs_one_check_of_a_signature_and_nothing_else(
    scaikey: ScaiKey, checked: list[str], attack: str, django_assert_num_queries: Any
) -> None:
    """Time tells what work was done, so the work is compared: benchmarks/tokens.py has the times. A key id that is not known
    may ask ScaiKey besides, once a minute, whoever sends it: that is over before."""
    token = ATTACKS[attack](scaikey)
    Caller(token).get("/api/v1/me")
    checked.clear()
    asked = len(scaikey.asked)
    with django_assert_num_queries(0):
        assert status(token) == 401
    assert checked == ["RSAAlgorithm"]
    assert len(scaikey.asked) == asked


def test_a_forgery_by_the_other_algorithm_costs_that_ones_work(scaikey: ScaiKey, checked: list[str]) -> None:
    for token in (scaikey.token(kid="curve", aud="another"), scaikey.token(kid="curve", headers={"kid": "never-seen"})):
        assert status(token) == 401
    assert checked == ["ECAlgorithm", "ECAlgorithm"]


@given(st.text(max_size=400) | st.binary(max_size=400).map(lambda raw: f"{flat(str(raw))}.e30.{flat(str(raw))}"))
@settings_of(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_a_token_or_a_bug(scaikey: ScaiKey, text: str) -> None:
    with pytest.raises(Unauthenticated):
        check_token(text)


@pytest.mark.parametrize("kid", ["first", "curve"])
def test_a_good_token_of_either_algorithm_is_let_in(scaikey: ScaiKey, kid: str) -> None:
    assert Caller(scaikey.token(kid=kid)).get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("changes", [{"aud": ["other", "scaiflow"]}, {"token_type": "client_credentials"}])
def test_what_the_contract_allows_is_let_in(scaikey: ScaiKey, changes: dict[str, Any]) -> None:
    assert Caller(scaikey.token(**changes)).get("/api/v1/me").status_code == 200


def test_a_clock_that_is_half_a_minute_off_is_forgiven(scaikey: ScaiKey) -> None:
    assert Caller(scaikey.token(exp=now() - 30)).get("/api/v1/me").status_code == 200


def test_the_tenants_own_issuer_is_let_in(scaikey: ScaiKey) -> None:
    assert Caller(scaikey.token(iss=f"{scaikey.url}/tenants/tnt_demo")).get("/api/v1/me").status_code == 200


def test_id_tokens_are_let_in_only_when_they_are_wanted(scaikey: ScaiKey, settings: Any) -> None:
    settings.ACCEPT_ID_TOKENS = True
    assert Caller(scaikey.token(nonce="n-123")).get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Token abc"])
def test_an_authorization_header_without_a_bearer_is_refused(scaikey: ScaiKey, header: str) -> None:
    assert Caller().get("/api/v1/me", headers={"Authorization": header}).status_code == 401


def test_without_scaikey_nobody_gets_in(scaikey: ScaiKey, settings: Any) -> None:
    token = scaikey.token()
    settings.SCAIKEY_BASE_URL = ""
    assert Caller(token).get("/api/v1/me").status_code == 401
    assert Caller().get("/api/v1/auth/config").json()["auth_mode"] == "dev_token"


@pytest.fixture
def rotating(settings: Any) -> Iterator[ScaiKey]:
    """A ScaiKey that this process has not met before."""
    with serving(ScaiKey()) as running:
        settings.SCAIKEY_BASE_URL = running.url
        yield running  # type: ignore[misc]


def status(token: str) -> int:
    return Caller(token).get("/api/v1/me").status_code


def test_a_rotated_key_is_fetched_and_a_made_up_one_at_most_once_a_minute(rotating: ScaiKey) -> None:
    clock = [0.0]
    key_ring(rotating.url)._clock = lambda: clock[0]
    assert status(rotating.token()) == 200
    for _ in range(5):
        assert status(rotating.token(headers={"kid": "made-up"})) == 401
    assert len(rotating.calls(path="/jwks")) == 1
    rotating.publish("second")
    clock[0] = 61
    assert status(rotating.token(kid="second")) == 200
    assert len(rotating.calls(path="/jwks")) == 2
    assert status(rotating.token(kid="first")) == 401


def test_many_made_up_keys_at_once_are_one_fetch(rotating: ScaiKey) -> None:
    clock = [0.0]
    ring = key_ring(rotating.url)
    ring._clock = lambda: clock[0]
    assert ring.find("first", "RS256")
    gate = threading.Barrier(8)

    def ask(number: int) -> Any:
        gate.wait()
        return ring.find(f"made-up-{number}", "RS256")

    for clock[0] in (30.0, 61.0, 90.0):
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(8))) == [None] * 8
    assert len(rotating.calls(path="/jwks")) == 2


def test_made_up_keys_cost_a_scaikey_that_fails_no_more(rotating: ScaiKey) -> None:
    clock = [0.0]
    ring = key_ring(rotating.url)
    ring._clock = lambda: clock[0]
    assert ring.find("first", "RS256")
    rotating.on("GET", "/jwks", Told(400, {}))
    for clock[0] in (61.0, 70.0, 100.0, 120.0):
        assert ring.find("made-up", "RS256") is None
    assert len(rotating.calls(path="/jwks")) == 2


def test_discovery_is_asked_for_once(rotating: ScaiKey, stranger: Caller) -> None:
    rotating.on("POST", "/token", Told(200, {"access_token": "a"}))
    for _ in range(3):
        assert stranger.post("/api/v1/auth/refresh", {"refresh_token": "r"}).status_code == 200
    assert status(rotating.token()) == 200
    assert len(rotating.calls(path=DISCOVERY)) == 1


def test_a_withdrawn_key_stops_working_within_ten_minutes(rotating: ScaiKey) -> None:
    clock = [0.0]
    key_ring(rotating.url)._clock = lambda: clock[0]
    assert status(rotating.token()) == 200
    rotating.publish("second")
    clock[0] = 601
    assert status(rotating.token()) == 401


def test_known_keys_outlive_a_scaikey_that_is_away(rotating: ScaiKey) -> None:
    clock = [0.0]
    key_ring(rotating.url)._clock = lambda: clock[0]
    assert status(rotating.token()) == 200
    rotating.on("GET", "/jwks", Told(500, {}))
    clock[0] = 700
    assert status(rotating.token()) == 200


def test_without_any_key_set_the_answer_is_unavailable(rotating: ScaiKey) -> None:
    rotating.on("GET", "/jwks", Told(200, b"<html>"))
    answer = Caller(rotating.token()).get("/api/v1/me")
    assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "scaikey")
    assert "Retry-After" in answer


@pytest.mark.parametrize("state", [{"deleted_at": "2026-01-01T00:00:00Z"}, {"status": "SUSPENDED"}])
def test_who_was_shut_out_at_scaikey_is_refused_with_a_good_token(scaikey: ScaiKey, state: dict[str, Any]) -> None:
    User.objects.create(id="usr_ada", tenant_id="tnt_demo", **state)
    assert status(scaikey.token()) == 401


@pytest.mark.parametrize(
    ("claims", "permissions"),
    [
        ({"scope": "openid scaicore:view"}, {"openid", "scaicore:view"}),
        ({"scope": None, "permissions": ["scaicore:manage", 7]}, {"scaicore:manage"}),
        ({"scope": "scaicore:view", "scp": "scaicore:manage"}, {"scaicore:view", "scaicore:manage"}),
        ({"scope": "", "role": "tenant_admin"}, {"scaicore:view", "scaicore:manage"}),
        ({"scope": "", "role": "user"}, set()),
        ({"scope": {"odd": "shape"}}, set()),
    ],
)
def test_permissions_are_the_union_of_their_claims(
    scaikey: ScaiKey, claims: dict[str, Any], permissions: set[str]
) -> None:
    assert set(Caller(scaikey.token(**claims)).get("/api/v1/me").json()["permissions"]) == permissions


def test_a_token_of_one_tenant_gets_no_role_of_another(scaikey: ScaiKey) -> None:
    User.objects.create(id="usr_ada", tenant_id="tnt_other", admin_role="super_admin", admin_role_source="manual")
    assert Caller(scaikey.token()).get("/api/v1/me").json()["admin_role"] is None
