"""HTTP as a test speaks it to the sandbox: no framework of ours, no retries, no redirects followed."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import yaml

OAUTH = "/api/v1/platform/oauth"
CALLBACK = "http://localhost:5173/auth/callback"
BASIC = base64.b64encode(b"scaiflow:sandbox-secret").decode()
_numbers = count(1)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def data(self) -> Any:
        assert self.status < 300, self.text
        return self.json["data"]

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass
class SandboxClient:
    base_url: str
    token: str | None = None
    tokens: dict[str, Any] = field(default_factory=dict)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        with closing(HTTPConnection(urlsplit(self.base_url).netloc, timeout=30)) as connection:
            connection.request(method, path, body=None if body is None else body.encode(), headers=sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read().decode())

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str, body: Any = None) -> Answer:
        return self.send("POST", path, body if body is not None else {})

    def form(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        return self.send("POST", path, urlencode(fields), Content_Type="application/x-www-form-urlencoded", **headers)

    def token_request(self, fields: dict[str, str], basic: str = BASIC) -> Answer:
        return self.form(f"{OAUTH}/token", fields, Authorization=f"Basic {basic}")

    def code_for(self, user_id: str, challenge: str | None, **more: str) -> str:
        query = {
            "response_type": "code",
            "client_id": "scaiflow",
            "redirect_uri": CALLBACK,
            "scope": "openid profile email",
            "state": "some-state",
            **({"code_challenge": challenge, "code_challenge_method": "S256"} if challenge else {}),
            **more,
        }
        answer = self.form(f"{OAUTH}/authorize?{urlencode(query)}", {"user": user_id})
        assert answer.status == 302, answer.text
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    def sign_in(self, user_id: str) -> Self:
        verifier, challenge = pkce()
        code = self.code_for(user_id, challenge)
        answer = self.exchange(code, verifier)
        assert answer.status == 200, answer.text
        return type(self)(self.base_url, answer.json["access_token"], answer.json)

    def exchange(self, code: str, verifier: str | None) -> Answer:
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.token_request(fields | ({"code_verifier": verifier} if verifier else {}))

    def service(self) -> Self:
        answer = self.token_request({"grant_type": "client_credentials"})
        return type(self)(self.base_url, answer.json["access_token"], answer.json)

    def send_yaml(self, method: str, path: str, manifest: str) -> Answer:
        return self.send(method, path, manifest, Content_Type="application/yaml")

    def deploy(self, steps: list[dict[str, Any]], **core: Any) -> str:
        """Deploy steps under a name of their own; the Core's id."""
        answer = self.send_yaml("POST", "/v1/modules/scaicore/cores", manifest(steps, **core))
        assert answer.status == 201, answer.text
        return str(answer.data["id"])

    def invoke(self, core_id: str, input: dict[str, Any]) -> Answer:
        return self.post(f"/v1/modules/scaicore/cores/{core_id}/invoke", {"input": input})

    def run(self, core_id: str, input: dict[str, Any]) -> Any:
        return self.invoke(core_id, input).data

    def events(self, core_id: str) -> list[dict[str, Any]]:
        """In the order in which they happened."""
        return list(reversed(self.get(f"/v1/modules/scaicore/events?core_id={core_id}&limit=500").data["events"]))


def pkce() -> tuple[str, str]:
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def manifest(
    steps: list[dict[str, Any]],
    *,
    name: str | None = None,
    plugins: tuple[str, ...] = ("scaidrive", "scaisend", "scaiqueue", "scaibunker", "http"),
    variables: list[dict[str, Any]] | None = None,
    trigger: dict[str, Any] | None = None,
) -> str:
    """A manifest of the contract's form around some steps."""
    name = name or f"flow-{next(_numbers)}"
    core = {
        "name": name,
        "mode": "stateless",
        "runtime_version": "0.2",
        "identity": {"provider": "scaikey", "persona": name},
        "model": "scaigrid/openai/gpt-4o",
        "plugins": [{"alias": alias, "endpoint": f"plugin://{alias}"} for alias in plugins],
        "capabilities": [],
        "flows": [
            {
                "name": name,
                "trigger": trigger or {"type": "api", "method": "POST", "path": "/", "bind": "node_start"},
                "steps": steps,
            }
        ],
        "scaiflow_meta": {
            "models": [
                {"role": "primary", "ref": "scaigrid", "model": "openai/gpt-4o"},
                {"role": "fast", "ref": "scaigrid", "model": "openai/gpt-4o-mini"},
            ],
            "variables": variables or [],
        },
    }
    return str(yaml.dump({"core": core}, Dumper=yaml.CSafeDumper, sort_keys=False))


def step(node_id: str, **parts: Any) -> dict[str, Any]:
    """A step with its bind and meta; `while_` stands for `while`."""
    parts = {name.rstrip("_"): value for name, value in parts.items()}
    return {**parts, "bind": node_id, "meta": {"node_id": node_id, "node_kind": "any", "node_label": node_id.title()}}
