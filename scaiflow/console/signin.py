"""Browser sign-in: mozilla-django-oidc's road, with our own checks on it.

What the library would do by itself and what is done here instead: identity by e-mail (here: issuer and subject), no check
of audience and issuer (here: all of tenants/tokens.py), no timeouts (here: upstream/http.py), users made on the fly (here:
the mirror alone knows who there is), a call to userinfo (here: none, the id token says it).
"""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest
from django.urls import reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.utils import absolutify

from scaiflow.kit.errors import AppError
from tenants.models import User
from tenants.operations.people import known_person
from tenants.operations.signin import exchange_code
from tenants.tokens import check_id_token

log = structlog.get_logger(__name__)


class ScaiKeySignIn(OIDCAuthenticationBackend, BaseBackend):  # type: ignore[misc]
    """Django's authentication backend for sessions."""

    def __init__(self) -> None:
        """The library's own reads endpoints from the settings, which discovery knows better."""
        self.UserModel = User

    def authenticate(self, request: HttpRequest | None, **kwargs: Any) -> User | None:
        """The person, or None: not signed in by ScaiKey, not in the mirror, or shut out."""
        code, nonce, verifier = (
            (request.GET.get("code") if request else None),
            kwargs.get("nonce"),
            kwargs.get("code_verifier"),
        )
        if not (request and code and nonce and verifier):
            return None
        redirect_uri = absolutify(request, reverse(settings.OIDC_AUTHENTICATION_CALLBACK_URL))
        try:
            tokens = exchange_code(code=code, code_verifier=verifier, redirect_uri=redirect_uri)
            claims = check_id_token(str(tokens["id_token"] or ""), nonce=nonce)
        except AppError as error:
            log.warning("sign-in failed", reason=error.message)
            return None
        request.scaikey_tokens = tokens  # type: ignore[attr-defined]  # the callback keeps them, once there is a session
        return known_person(user_id=claims["sub"], tenant_id=claims["tenant_id"])

    def get_user(self, user_id: str) -> User | None:
        """Asked on every request of a session: who was shut out meanwhile is nobody."""
        user: User | None = User.objects.filter(pk=user_id).first()
        return user if user and user.is_active else None
