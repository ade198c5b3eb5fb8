"""People at the console: browsers that went through the whole sign-in, with real tokens in their sessions."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.test import Client

from scaiflow.console.session import keep_tokens
from tenants.models import User
from tests.loopback import Told
from tests.scaikey import ScaiKey

Response = Any


class Visitor(Client):
    """`Visitor(scaikey).sign_in("usr_ada")`. Forms are sent as a browser sends them, with the token of the page."""

    def __init__(self, scaikey: ScaiKey) -> None:
        super().__init__(raise_request_exception=False, enforce_csrf_checks=True)
        self.scaikey = scaikey

    def sign_in(
        self, sub: str, *, tenant: str = "tnt_demo", scope: str = "scaicore:view scaicore:manage", expires_in: int = 600
    ) -> Visitor:
        address = urlsplit(self.get("/login")["Location"])
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        person = {"sub": sub, "tenant_id": tenant}
        id_token = self.scaikey.token(**person, nonce=query["nonce"], scope=None)
        self.grant(id_token=id_token, access_token=self.scaikey.token(**person, scope=scope), expires_in=expires_in)
        self.get("/login/callback", {"code": "c-1", "state": query["state"]})
        return self

    def let_in(self, sub: str, *, tenant: str, scope: str) -> Visitor:
        """A session as the sign-in leaves it, without the way through ScaiKey, and forms without a page's token: for tests
        that try very much."""
        self.handler.enforce_csrf_checks, self.csrf = False, "none"
        user = User.objects.get(id=sub)
        self.force_login(user, backend="scaiflow.console.signin.ScaiKeySignIn")
        session = self.session
        token = self.scaikey.token(sub=sub, tenant_id=tenant, scope=scope)
        keep_tokens(SimpleNamespace(session=session, user=user), {"access_token": token, "expires_in": 600})
        session.save()
        return self

    def grant(self, **tokens: Any) -> None:
        """What ScaiKey gives next."""
        self.scaikey.on("POST", "/token", Told(200, {"refresh_token": "rt-1", "token_type": "Bearer", **tokens}))

    def send(self, path: str, fields: dict[str, Any] | None = None, **headers: str) -> Response:
        self.csrf = getattr(self, "csrf", "") or self._csrf_token()
        return self.post(path, {"csrfmiddlewaretoken": self.csrf, **(fields or {})}, **headers)

    def _csrf_token(self) -> str:
        token = re.search(r'name="csrf-token" content="([^"]+)"', self.get("/").content.decode())
        return token[1] if token else ""

    def read(self, path: str, **query: Any) -> str:
        answer = self.get(path, query)
        assert answer.status_code == 200, (path, answer.status_code, answer.content.decode()[:3000])
        return answer.content.decode()


def remember(sub: str, *, tenant: str = "tnt_demo", admin_role: str | None = None) -> User:
    source = {"admin_role": admin_role, "admin_role_source": "manual" if admin_role else None}
    known = {"tenant_id": tenant, "display_name": sub.removeprefix("usr_").title(), **source}
    user: User = User.objects.update_or_create(id=sub, defaults=known)[0]
    return user
