"""The OAuth 2.0 / OpenID Connect rules, by Authlib: authorization code with PKCE S256, refresh, client credentials."""

from __future__ import annotations

import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, request

from scaiflow.sandbox.scaikey.clients import Client, Code, RefreshToken, User, client_for, scope_for, user_for
from scaiflow.sandbox.scaikey.issuing import issue
from scaiflow.sandbox.scaikey.keys import header, signing_key
from scaiflow.sandbox.scaikey.tokens import user_claims
from scaiflow.sandbox.state import Sandbox, current

_CODE_SECONDS = 120


class PersonCode(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Sign-in of a person. A code lives two minutes and works once, also when its exchange fails."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "none")

    def save_authorization_code(self, code: str, oauth_request: Any) -> None:
        form = oauth_request.payload.data
        body = {
            "client_id": oauth_request.client.client_id,
            "user_id": oauth_request.user.get_user_id(),
            "redirect_uri": oauth_request.payload.redirect_uri,
            "scope": scope_for(oauth_request.user, oauth_request.payload.scope or ""),
            "nonce": form.get("nonce"),
            "auth_time": int(time.time()),
            "code_challenge": form.get("code_challenge"),
            "code_challenge_method": form.get("code_challenge_method"),
        }
        current().store.add("code", code, body)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        store = current().store
        with store.transaction():
            found = store.get("code", code)
            store.delete("code", code)
        if found is None or found.body["client_id"] != client.client_id:
            return None
        return Code(code, found.body) if time.time() - found.body["auth_time"] < _CODE_SECONDS else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing to do: it was taken out of the store when it was looked up."""

    def authenticate_user(self, authorization_code: Code) -> User | None:
        return user_for(current(), authorization_code.body["user_id"])


class S256(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """PKCE: S256 only, required of public clients and honoured for the confidential one."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        super().validate_code_challenge(grant, redirect_uri)
        if grant.request.client.secret is None and not grant.request.payload.data.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'")


class IdToken(OpenIDCode):  # type: ignore[misc]  # Authlib has no types
    """The id token that comes with `scope=openid`."""

    def exists_nonce(self, nonce: str, oauth_request: Any) -> bool:
        return any(code.body["nonce"] == nonce for code in current().store.find("code"))

    def get_client_algorithm(self, client: Client) -> str:
        return str(signing_key(current()).alg)

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return header(signing_key(current()), "JWT")

    def resolve_client_private_key(self, client: Client) -> Any:
        return signing_key(current())

    def get_compatible_claims(self, oauth_request: Any) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": current().base_url, "aud": oauth_request.client.client_id, "iat": now, "exp": now + 3600}

    def generate_user_info(self, user: User, scope: str) -> dict[str, Any]:
        return {"sub": user.get_user_id(), **user_claims(current(), user.body)}


class OneTimeRefresh(RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    """Every refresh token works once and is answered with the next one."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "none")
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        store = current().store
        with store.transaction():
            found = store.get("refresh_token", refresh_token)
            store.delete("refresh_token", refresh_token)
        return RefreshToken(found.body) if found else None

    def authenticate_user(self, refresh_token: RefreshToken) -> User:
        user = user_for(current(), refresh_token.body["user_id"])
        if user is None:
            raise InvalidGrantError("the user is gone or suspended")
        return user

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """Nothing to do: it was taken out of the store when it was looked up."""


def _query_client(client_id: str) -> Client | None:
    return client_for(current(), client_id, service=request.form.get("grant_type") == "client_credentials")


def _save_token(token: dict[str, Any], oauth_request: Any) -> None:
    if "refresh_token" in token:
        owner = {"client_id": oauth_request.client.client_id, "user_id": oauth_request.user.get_user_id()}
        current().store.add("refresh_token", token["refresh_token"], owner | {"scope": token["scope"]})


def authorization_server(app: Flask, sandbox: Sandbox) -> AuthorizationServer:
    """Authlib's server with the three grants, bound to `app`."""
    server = AuthorizationServer(app, query_client=_query_client, save_token=_save_token)
    server.register_token_generator("default", issue)
    server.register_grant(PersonCode, [S256(required=True), IdToken()])
    server.register_grant(OneTimeRefresh)
    server.register_grant(ClientCredentialsGrant)
    return server
