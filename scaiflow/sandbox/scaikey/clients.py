"""The OAuth clients, and the rows that Authlib asks for: clients, people, codes and refresh tokens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin

from scaiflow.sandbox.config import is_loopback
from scaiflow.sandbox.scaikey.tokens import granted_scope, service_scope
from scaiflow.sandbox.state import Sandbox

PUBLIC_CLIENT_ID = "scaiflow-public"


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """The confidential client of the backend, or (without a secret) the public one for trying PKCE alone."""

    client_id: str
    secret: str | None

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return scope or ""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        parts = urlsplit(redirect_uri)
        return parts.scheme in {"http", "https"} and is_loopback(parts.hostname or "") and not parts.fragment

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret is not None and secrets.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("none" if self.secret is None else "client_secret_basic")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in {"authorization_code", "refresh_token"} or self.secret is not None


class ServiceClient(Client):
    """The confidential client while it asks for itself: only scopes that it holds."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return service_scope(scope or "")


def client_for(sandbox: Sandbox, client_id: str, *, service: bool = False) -> Client | None:
    """The client of that id, None when there is no such client."""
    if client_id == sandbox.config.client_id:
        return (ServiceClient if service else Client)(client_id, sandbox.config.client_secret)
    return Client(client_id, None) if client_id == PUBLIC_CLIENT_ID else None


@dataclass(frozen=True)
class User:
    """A signed-in person as Authlib wants it."""

    body: dict[str, Any]

    def get_user_id(self) -> str:
        return str(self.body["id"])


def user_for(sandbox: Sandbox, user_id: str) -> User | None:
    """The active person of that id, None when there is none."""
    found = sandbox.store.get("user", user_id)
    return User(found.body) if found and found.body["status"] == "ACTIVE" else None


class Code(AuthorizationCodeMixin):  # type: ignore[misc]  # Authlib has no types
    """An authorization code: `body` has client_id, user_id, redirect_uri, scope, nonce, auth_time and the challenge."""

    def __init__(self, code: str, body: dict[str, Any]) -> None:
        self.code, self.body = code, body
        self.code_challenge = body["code_challenge"]
        self.code_challenge_method = body["code_challenge_method"]

    def get_redirect_uri(self) -> str:
        return str(self.body["redirect_uri"])

    def get_scope(self) -> str:
        return str(self.body["scope"])

    def get_nonce(self) -> str | None:
        nonce = self.body["nonce"]
        return str(nonce) if nonce else None

    def get_auth_time(self) -> int:
        return int(self.body["auth_time"])

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class RefreshToken(TokenMixin):  # type: ignore[misc]  # Authlib has no types
    """A refresh token that was taken out of the store: it can be used once."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body

    def check_client(self, client: Client) -> bool:
        return bool(self.body["client_id"] == client.client_id)

    def get_scope(self) -> str:
        return str(self.body["scope"])


def scope_for(user: User, requested: str) -> str:
    """The scope that a person's tokens carry."""
    return granted_scope(user.body, requested)
