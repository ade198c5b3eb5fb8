"""To ScaiKey, back from it, and out again."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from mozilla_django_oidc.utils import import_from_settings
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView, OIDCLogoutView

from scaiflow.console.session import keep_tokens
from scaiflow.kit.errors import AppError
from tenants.operations.signin import authorization_endpoint, note_signed_in, note_signed_out


class SignIn(OIDCAuthenticationRequestView):
    """State, nonce and PKCE's verifier go into the session, their halves to ScaiKey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super(OIDCAuthenticationRequestView, self).__init__(*args, **kwargs)
        self.OIDC_RP_CLIENT_ID = settings.SCAIKEY_CLIENT_ID

    @staticmethod
    def get_settings(name: str, *default: Any) -> Any:
        return import_from_settings(name, *default)

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            self.OIDC_OP_AUTH_ENDPOINT = authorization_endpoint()
        except AppError:
            return HttpResponseRedirect(settings.LOGIN_REDIRECT_URL_FAILURE)
        answer: HttpResponse = super().get(request)
        return answer


class SignInCallback(OIDCAuthenticationCallbackView):
    def get(self, request: HttpRequest) -> HttpResponse:
        """A state that is not ours is a failure like any other, and no page of Django's."""
        try:
            answer: HttpResponse = super().get(request)
        except SuspiciousOperation:
            answer = self.login_failure()
        return answer

    def login_success(self) -> HttpResponse:
        note_signed_in(self.user)
        answer: HttpResponse = super().login_success()
        keep_tokens(self.request, self.request.scaikey_tokens)
        return answer


class SignOut(OIDCLogoutView):
    http_method_names = ["post"]  # a link must not sign anybody out

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            note_signed_out(request.user)
        answer: HttpResponse = super().post(request)
        return answer
