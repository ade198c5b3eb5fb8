"""Our own token at ScaiKey (client credentials), for what we do in nobody's name. Kept until shortly before it ends."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from django.conf import settings

from scaiflow.kit.errors import UpstreamFailure
from scaiflow.upstream import scaikey
from scaiflow.upstream.http import Unreachable, UpstreamError

EARLY_SECONDS = 60.0


class ScaiKeyRefused(UpstreamFailure):
    """ScaiKey gives us no token, or does not answer what we ask with it."""

    error = "scaikey_api"


@dataclass(frozen=True)
class ServiceToken:
    value: str = field(repr=False)
    good_until: float = 0.0


_kept: dict[tuple[str, str, str], ServiceToken] = {}
_lock = threading.Lock()


def is_configured() -> bool:
    return bool(settings.SCAIKEY_BASE_URL and settings.SCAIKEY_CLIENT_ID and settings.SCAIKEY_CLIENT_SECRET)


def service_token(*, scope: str = "", fresh: bool = False) -> str:
    """Raises ScaiKeyRefused. `fresh` asks again although the kept one seems good (it was refused somewhere)."""
    key = (settings.SCAIKEY_BASE_URL, settings.SCAIKEY_CLIENT_ID, scope)
    with _lock:
        kept = _kept.get(key)
        if kept is None or fresh or time.monotonic() >= kept.good_until:
            kept = _kept[key] = _request(scope)
    return kept.value


def _request(scope: str) -> ServiceToken:
    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
    client = (settings.SCAIKEY_CLIENT_ID, settings.SCAIKEY_CLIENT_SECRET)
    try:
        token_url = scaikey.discover(base_url=settings.SCAIKEY_BASE_URL).token
        answer = scaikey.request_tokens(token_url=token_url, client=client, form=form)
    except (UpstreamError, Unreachable) as error:
        raise refused(error) from None
    value, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(value, str) or not value:
        raise ScaiKeyRefused("ScaiKey answered without a token", status=None, code=None)
    lasts = float(seconds) if isinstance(seconds, int | float) else 0.0
    return ServiceToken(value, time.monotonic() + lasts - EARLY_SECONDS)


def refused(error: UpstreamError | Unreachable) -> ScaiKeyRefused:
    """The documented failure for what went wrong at ScaiKey."""
    if isinstance(error, UpstreamError):
        return ScaiKeyRefused(error.message, status=error.status, code=error.code)
    return ScaiKeyRefused(str(error), status=None, code=None)
