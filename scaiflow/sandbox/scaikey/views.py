"""ScaiKey's OpenID Connect doors: discovery, keys, the sign-in page, tokens, userinfo."""

from __future__ import annotations

from typing import cast

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue

from scaiflow.sandbox.access import principal
from scaiflow.sandbox.envelope import answer, not_found
from scaiflow.sandbox.people import TENANTS
from scaiflow.sandbox.scaikey.clients import user_for
from scaiflow.sandbox.scaikey.keys import ALGORITHMS, key_set
from scaiflow.sandbox.scaikey.tokens import user_claims
from scaiflow.sandbox.state import current

OAUTH = "/api/v1/platform/oauth"
blueprint = Blueprint("scaikey", __name__)


def _server() -> AuthorizationServer:
    return cast("AuthorizationServer", current_app.extensions["authorization_server"])


@blueprint.get(f"{OAUTH}/.well-known/openid-configuration")
def discovery() -> Response:
    base = current().base_url
    return answer(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}{OAUTH}/authorize",
            "token_endpoint": f"{base}{OAUTH}/token",
            "userinfo_endpoint": f"{base}{OAUTH}/userinfo",
            "jwks_uri": f"{base}{OAUTH}/jwks",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(ALGORITHMS),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
        }
    )


@blueprint.get(f"{OAUTH}/jwks")
def jwks() -> Response:
    return answer(key_set(current()).as_dict(private=False))


@blueprint.get(f"{OAUTH}/authorize")
def choose_person() -> ResponseReturnValue:
    """The sign-in page: one button for each ready person; `login_hint` only moves one of them to the front."""
    try:
        _server().get_consent_grant(end_user=None)
    except OAuth2Error as error:
        return _server().handle_error_response(request, error) if error.redirect_uri else _refused(error)
    hint = request.args.get("login_hint", "").lower()
    people = sorted((row.body for row in current().store.find("user")), key=lambda user: user["email"] != hint)
    query = request.query_string.decode()
    return render_template("authorize.html", people=people, tenants=TENANTS, hint=hint, query=query)


@blueprint.post(f"{OAUTH}/authorize")
def sign_in() -> ResponseReturnValue:
    """A button was pressed: send the browser back with a code."""
    user = user_for(current(), request.form.get("user", ""))
    try:
        grant = _server().get_consent_grant(end_user=user)
        return cast("ResponseReturnValue", _server().create_authorization_response(grant_user=user, grant=grant))
    except OAuth2Error as error:
        return _refused(error)


def _refused(error: OAuth2Error) -> ResponseReturnValue:
    """A request whose redirect address cannot be trusted is told to the person, never sent on."""
    page = render_template("refused.html", code=error.error, description=error.description)
    return page, 400


@blueprint.post(f"{OAUTH}/token")
def token() -> ResponseReturnValue:
    return cast("ResponseReturnValue", _server().create_token_response())


@blueprint.route(f"{OAUTH}/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    user = user_for(current(), principal().subject)
    if user is None:
        raise not_found("user")
    return answer({"sub": user.get_user_id(), **user_claims(current(), user.body)})
