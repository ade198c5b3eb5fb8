"""Whether the services that we talk to answer. Asked all at once, and not more often than every ten seconds."""

from __future__ import annotations

import contextvars
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.cache import cache

from scaiflow.kit.errors import PassedThrough
from scaiflow.upstream import http
from scaiflow.upstream.http import Unreachable, UpstreamError

FRESH_SECONDS = 10
READ_SECONDS = 3.0
ANSWERS = ("answers", "answers, and limits the rate")
ROUTE = {
    "ScaiKey": "/api/v1/platform/oauth/.well-known/openid-configuration",
    "ScaiGrid": "/v1/modules/scaicore/cores",
    "ScaiQueue": "/scopes",
    "ScaiBunker": "/bunkers",
    "ScaiVault": "/v1/secrets",
}
PURPOSE = {
    "ScaiKey": "signs people in",
    "ScaiGrid": "runs the Cores that flows are deployed to",
    "ScaiQueue": "keeps queues and reviews",
    "ScaiBunker": "computes",
    "ScaiVault": "keeps secrets",
}


def upstreams_in_words(*, scaigrid: str) -> list[dict[str, Any]]:
    """`[{name, purpose, address, word, ok}]`. `scaigrid` is the address that holds for the tenant."""
    addresses = {
        "ScaiKey": settings.SCAIKEY_BASE_URL,
        "ScaiGrid": scaigrid,
        "ScaiQueue": settings.SCAIQUEUE_BASE_URL or f"{scaigrid}/v1/modules/scaiqueue",
        "ScaiBunker": settings.SCAIBUNKER_BASE_URL or f"{scaigrid}/v1/modules/scaibunker",
        "ScaiVault": settings.SCAIVAULT_BASE_URL,
    }
    name = "console-upstreams:" + hashlib.sha256("\n".join(addresses.values()).encode()).hexdigest()
    found: list[dict[str, Any]] | None = cache.get(name)
    if found is None:
        found = _asked({name: address for name, address in addresses.items() if address})
        cache.set(name, found, FRESH_SECONDS)
    return found


def _asked(addresses: dict[str, str]) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(len(addresses)) as pool:
        words = [pool.submit(contextvars.copy_context().run, _word, name, url) for name, url in addresses.items()]
    return [
        {"name": name, "purpose": PURPOSE[name], "address": url, "word": word.result(), "ok": word.result() in ANSWERS}
        for (name, url), word in zip(addresses.items(), words, strict=True)
    ]


def _word(name: str, address: str) -> str:
    """Any answer below 500 is a sign of life, a refusal too: there is no health route that all of them promise."""
    try:
        http.call(name.lower(), "GET", address + ROUTE[name], read_seconds=READ_SECONDS)
    except UpstreamError as error:
        return ANSWERS[0] if error.status < 500 else f"answers {error.status}"
    except PassedThrough:
        return ANSWERS[1]
    except Unreachable as error:
        return str(error)
    return ANSWERS[0]
