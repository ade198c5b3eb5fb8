from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest

from tests.sandbox.client import OAUTH, SandboxClient, pkce


def claims(client: SandboxClient, token: str) -> dict[str, Any]:
    keys = jwt.PyJWKClient(f"{client.base_url}{OAUTH}/jwks")
    key = keys.get_signing_key_from_jwt(token)
    return dict(jwt.decode(token, key.key, algorithms=["RS256"], audience="scaiflow", issuer=client.base_url))


def test_discovery_names_the_doors_under_the_issuer(sandbox_url: str) -> None:
    found = SandboxClient(sandbox_url).get(f"{OAUTH}/.well-known/openid-configuration").json

    assert found["issuer"] == sandbox_url
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        assert found[name].startswith(f"{sandbox_url}{OAUTH}/")


def test_a_person_signs_in_with_pkce_and_gets_a_signed_access_token(ada: SandboxClient) -> None:
    found = claims(ada, ada.tokens["access_token"])

    assert found["sub"] == "usr_ada"
    assert found["tenant_id"] == "tnt_demo"
    assert found["email"] == "ada@demo.test"
    assert {"scaicore:view", "scaicore:manage"} <= set(found["scope"].split())
    assert found["groups"] == ["grp_support", "grp_finance"]
    assert {"exp", "iat"} <= found.keys()


def test_the_id_token_is_for_the_client_and_is_no_access_token(ada: SandboxClient) -> None:
    id_token = ada.tokens["id_token"]

    assert claims(ada, id_token)["name"] == "Ada Author"
    assert SandboxClient(ada.base_url, id_token).get("/v1/models").status == 401


def test_the_viewer_has_no_manage_scope(vera: SandboxClient) -> None:
    assert "scaicore:manage" not in claims(vera, vera.tokens["access_token"])["scope"].split()


def test_the_nonce_of_the_request_is_in_the_id_token(sandbox_url: str) -> None:
    client = SandboxClient(sandbox_url)
    verifier, challenge = pkce()

    tokens = client.exchange(client.code_for("usr_ada", challenge, nonce="n-42"), verifier).json

    assert claims(client, tokens["id_token"])["nonce"] == "n-42"


def test_a_code_works_once(sandbox_url: str) -> None:
    client = SandboxClient(sandbox_url)
    verifier, challenge = pkce()
    code = client.code_for("usr_ada", challenge)

    assert client.exchange(code, verifier).status == 200
    again = client.exchange(code, verifier)

    assert (again.status, again.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("verifier", [None, "w" * 50])
def test_a_code_with_a_challenge_needs_its_verifier(sandbox_url: str, verifier: str | None) -> None:
    client = SandboxClient(sandbox_url)

    answer = client.exchange(client.code_for("usr_ada", pkce()[1]), verifier)

    assert answer.status == 400
    assert answer.json["error"] in ("invalid_request", "invalid_grant")


def test_the_confidential_client_may_do_without_pkce(sandbox_url: str) -> None:
    client = SandboxClient(sandbox_url)

    assert client.exchange(client.code_for("usr_ada", None), None).status == 200


def test_the_public_client_must_send_a_challenge(sandbox_url: str) -> None:
    answer = SandboxClient(sandbox_url).get(
        f"{OAUTH}/authorize?response_type=code&client_id=scaiflow-public&redirect_uri=http://127.0.0.1:9/cb&state=s"
    )

    assert answer.status in (302, 400)
    assert "invalid_request" in (answer.headers.get("Location", "") + answer.text)


@pytest.mark.parametrize("uri", ["https://evil.example/cb", "javascript:alert(1)", "http://127.0.0.1.evil.example/"])
def test_a_redirect_that_leaves_the_machine_is_told_and_not_followed(sandbox_url: str, uri: str) -> None:
    answer = SandboxClient(sandbox_url).get(
        f"{OAUTH}/authorize?response_type=code&client_id=scaiflow&redirect_uri={uri}&state=s"
    )

    assert answer.status == 400
    assert "Location" not in answer.headers


def test_a_wrong_client_secret_is_401(sandbox_url: str) -> None:
    wrong = base64.b64encode(b"scaiflow:wrong").decode()

    answer = SandboxClient(sandbox_url).token_request({"grant_type": "client_credentials"}, wrong)

    assert (answer.status, answer.json["error"]) == (401, "invalid_client")


def test_a_refresh_token_works_once_and_brings_the_next_one(sandbox_url: str) -> None:
    client = SandboxClient(sandbox_url).sign_in("usr_vera")
    fields = {"grant_type": "refresh_token", "refresh_token": client.tokens["refresh_token"]}

    fresh = client.token_request(fields)
    again = client.token_request(fields)

    assert claims(client, fresh.json["access_token"])["sub"] == "usr_vera"
    assert fresh.json["refresh_token"] != fields["refresh_token"]
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


def test_client_credentials_give_a_service_token(sandbox_url: str) -> None:
    client = SandboxClient(sandbox_url).service()

    found = claims(client, str(client.token))

    assert found["token_type"] == "client_credentials"
    assert found["sub"] == "scaiflow"
    assert "refresh_token" not in client.tokens


def test_a_scope_that_the_service_does_not_hold_is_refused(sandbox_url: str) -> None:
    answer = SandboxClient(sandbox_url).token_request({"grant_type": "client_credentials", "scope": "world:rule"})

    assert (answer.status, answer.json["error"]) == (400, "invalid_scope")


def test_userinfo_knows_the_holder_of_the_token(ada: SandboxClient) -> None:
    assert ada.get(f"{OAUTH}/userinfo").json["email"] == "ada@demo.test"


def test_keys_rotate_and_old_tokens_still_verify(own_url: str) -> None:
    client = SandboxClient(own_url).sign_in("usr_ada")

    kid = client.post("/sandbox/rotate-keys").json["kid"]

    header = base64.urlsafe_b64decode(str(client.sign_in("usr_ada").token).split(".")[0] + "==")
    assert json.loads(header)["kid"] == kid
    assert client.get("/v1/models").status == 200


def test_the_sign_in_page_offers_everybody_and_has_no_script(sandbox_url: str) -> None:
    answer = SandboxClient(sandbox_url).get(
        f"{OAUTH}/authorize?response_type=code&client_id=scaiflow&redirect_uri=http://localhost/cb&state=s"
        "&login_hint=vera@demo.test"
    )

    assert answer.text.count("<button") == 6
    assert 'value="usr_vera" class="hinted"' in answer.text
    assert "development aid" in answer.text
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_keys_may_be_elliptic(own_url: str) -> None:
    client = SandboxClient(own_url)
    client.post("/sandbox/rotate-keys", {"algorithm": "ES256"})

    signed_in = client.sign_in("usr_ada")

    keys = jwt.PyJWKClient(f"{own_url}{OAUTH}/jwks")
    for name in ("access_token", "id_token"):
        token = signed_in.tokens[name]
        assert jwt.decode(token, keys.get_signing_key_from_jwt(token).key, ["ES256"], audience="scaiflow")
    assert signed_in.get("/v1/models").status == 200


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({}, 200), ({"exp": 1}, 401), ({"aud": "other"}, 401), ({"iss": "http://evil"}, 401), ({"tenant_id": None}, 401)],
)
def test_a_token_can_be_asked_for_with_odd_claims(sandbox_url: str, wrong: dict[str, Any], status: int) -> None:
    client = SandboxClient(sandbox_url)

    token = client.post("/sandbox/tokens", {"user": "usr_ada", "claims": wrong}).json["access_token"]

    assert SandboxClient(sandbox_url, token).get("/v1/models").status == status


def test_an_unsigned_token_opens_nothing(sandbox_url: str) -> None:
    token = jwt.encode(
        {"sub": "usr_ada", "tenant_id": "tnt_demo", "aud": "scaiflow", "iss": sandbox_url, "exp": 9e9}, "", "none"
    )

    assert SandboxClient(sandbox_url, token).get("/v1/models").status == 401
