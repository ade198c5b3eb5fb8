"""Who is behind a browser's session: the same principal, with the same rights, that their bearer would be at the API.

ScaiKey's tokens rest in the session on the server, sealed (kit/crypto.py) and bound to the person. The browser has the
session's cookie and nothing else. An access token that is about to end is exchanged for the next one on the way.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from scaiflow.kit import crypto, json
from scaiflow.kit.errors import Unauthenticated, Unavailable, UpstreamFailure
from tenants.authentication import DEVELOPER, principal_for
from tenants.operations.signin import Refused, refresh_tokens
from tenants.principals import Principal

log = structlog.get_logger(__name__)
KEPT = "scaikey"
EARLY_SECONDS = 90.0
REFRESH_SECONDS = 30
# How long the next tokens are waited for: while another request gets them, and after ScaiKey refused the refresh token. That
# mostly means that the session is over, and everybody to whom it happens waits so long, so it is short. It is too short only
# where two processes share no cache, and the one that used the token takes a second to write what it was given.
WAIT_SECONDS, BEHIND_SECONDS, PAUSE = 5.0, 1.0, 0.1


def keep_tokens(request: HttpRequest, tokens: dict[str, Any]) -> None:
    """Seal what ScaiKey gave into the session."""
    lasts = tokens.get("expires_in")
    body = {
        "access": tokens.get("access_token"),
        "refresh": tokens.get("refresh_token"),
        "good_until": time.time() + (float(lasts) if isinstance(lasts, int | float) else 0.0),
    }
    request.session[KEPT] = crypto.seal(json.dumps(body).decode(), bound_to=_place(str(request.user.pk)))


def principal_of(request: HttpRequest) -> Principal | None:
    """Who asks, or None: nobody is signed in, or ScaiKey no longer vouches for them. Raises Unavailable, ScaiKeyFailed
    (the token has ended and ScaiKey does not answer)."""
    if settings.AUTH_DISABLED:
        return DEVELOPER
    if not request.user.is_authenticated:
        return None
    kept = _good(request, _opened(request.session.get(KEPT), str(request.user.pk)))
    try:
        principal = principal_for(str(kept["access"])) if kept else None
    except Unauthenticated as error:
        log.info("session without a good token", reason=error.message)
        return None
    return principal if principal and principal.sub == request.user.pk else None


def _place(user_id: str) -> str:
    return f"session of {user_id}"


def _opened(sealed: str | None, user_id: str) -> dict[str, Any] | None:
    """None as well for what was sealed with a key that is gone: they sign in again."""
    try:
        return dict(json.loads(crypto.unseal(sealed, bound_to=_place(user_id)).encode())) if sealed else None
    except crypto.CannotUnseal:
        return None


def _is_good(kept: dict[str, Any], spare: float = 0.0) -> bool:
    return bool(kept["access"]) and time.time() + spare < kept["good_until"]


def _good(request: HttpRequest, kept: dict[str, Any] | None) -> dict[str, Any] | None:
    """The tokens, refreshed where they are about to end. One request refreshes; the others go on with what they have, or
    wait for it: a refresh token works once."""
    if kept is None or _is_good(kept, EARLY_SECONDS) or not kept["refresh"]:
        return kept
    name = "console-refresh:" + hashlib.sha256(str(request.session.session_key).encode()).hexdigest()
    if not cache.add(name, 1, REFRESH_SECONDS):
        return kept if _is_good(kept) else _awaited(request)
    try:
        return _refreshed(request, kept)
    finally:
        cache.delete(name)


def _refreshed(request: HttpRequest, kept: dict[str, Any]) -> dict[str, Any] | None:
    stored = _stored(request)
    if stored and stored != kept:
        return stored  # another request was faster
    try:
        tokens = refresh_tokens(refresh_token=kept["refresh"])
    except Refused:
        # A process that shares no cache with this one may have used the refresh token meanwhile, and stored the next.
        return kept if _is_good(kept) else _awaited(request, seconds=BEHIND_SECONDS)
    except (UpstreamFailure, Unavailable):
        if _is_good(kept):
            return kept
        raise
    keep_tokens(request, {"refresh_token": kept["refresh"], **{k: v for k, v in tokens.items() if v}})
    request.session.save()
    return _opened(request.session[KEPT], str(request.user.pk))


def _stored(request: HttpRequest) -> dict[str, Any] | None:
    """What the session holds by now, past the copy that this request began with. The copy is brought up to date: a request
    that writes its session later must not put the used tokens back."""
    sealed = type(request.session)(request.session.session_key).get(KEPT)
    if sealed and sealed != request.session.get(KEPT):
        request.session[KEPT] = sealed
    return _opened(sealed, str(request.user.pk))


def _awaited(request: HttpRequest, *, seconds: float = WAIT_SECONDS) -> dict[str, Any] | None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        stored = _stored(request)
        if stored and _is_good(stored):
            return stored
        time.sleep(PAUSE)
    return None
