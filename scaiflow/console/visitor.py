"""A client of our own HTTP API as a stranger would write one: standard library only, and a browser's part of sign-in."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

TIMEOUT = 60.0
REDIRECT = "http://127.0.0.1/callback"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None


class Visitor:
    """`Visitor("http://127.0.0.1:8001").send("GET", "/api/v1/flows")`. Raises OSError when nobody answers."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.token = ""

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})} if self.token else dict(headers or {})
        if body is not None:
            headers["Content-Type"] = "application/json"
        return request(method, self.base_url + path, headers, json.dumps(body).encode() if body is not None else None)

    def sign_in(self, person: str) -> Answer:
        """Authorization code with PKCE: ScaiKey's page, one button, and the code exchanged through our server.

        Raises ValueError when ScaiKey's page does not send us back with a code."""
        config = self.send("GET", "/api/v1/auth/config").body
        verifier = secrets.token_urlsafe(48)
        code = press_button(config, person, challenge_of(verifier))
        form = {"code": code, "code_verifier": verifier, "redirect_uri": REDIRECT}
        answer = self.send("POST", "/api/v1/auth/exchange", form)
        if answer.status == 200:
            self.token = answer.body["access_token"]
        return answer


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def press_button(config: dict[str, Any], person: str, challenge: str) -> str:
    """The code that ScaiKey's sign-in page gives for this person. Raises ValueError."""
    discovery = request("GET", f"{config['scaikey_base_url']}/api/v1/platform/oauth/.well-known/openid-configuration")
    state = secrets.token_urlsafe(12)
    query = {
        "response_type": "code", "client_id": config["client_id"], "redirect_uri": REDIRECT, "state": state,
        "nonce": secrets.token_urlsafe(12), "code_challenge": challenge, "code_challenge_method": "S256",
        "scope": "openid profile email scaicore:view scaicore:manage",
    }  # fmt: skip
    page = f"{discovery.body['authorization_endpoint']}?{urlencode(query)}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    sent_back = request("POST", page, form, urlencode({"user": person}).encode())
    given = parse_qs(urlsplit(sent_back.headers.get("location", "")).query)
    if given.get("state") != [state] or "code" not in given:
        raise ValueError(f"ScaiKey's page answered {sent_back.status} and no code")
    return given["code"][0]


def request(method: str, url: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
    """One request, nothing followed. Raises OSError."""
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=TIMEOUT)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())
    finally:
        connection.close()
