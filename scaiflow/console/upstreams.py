"""Whether the services that we talk to answer. Asked all at once, and not more often than every ten seconds."""

from __future__ import annotations

import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.cache import cache

from scaiflow.kit.errors import PassedThrough
from scaiflow.upstream import http
from scaiflow.upstream.http import Unreachable, UpstreamError

FRESH_SECONDS = 10
READ_SECONDS = 3.0
PURPOSE = {
    "ScaiKey": "signs people in",
    "ScaiGrid": "runs the Cores that flows are deployed to",
    "ScaiQueue": "keeps queues and reviews",
    "ScaiBunker": "computes",
    "ScaiVault": "keeps secrets",
}


def upstreams_in_words(*, scaigrid: str) -> list[dict[str, Any]]:
    """`[{name, purpose, address, word, ok}]`; `ok` is None for a service that is not configured. `scaigrid` is the address
    that holds for the tenant."""
    addresses = {
        "ScaiKey": settings.SCAIKEY_BASE_URL, "ScaiGrid": scaigrid, "ScaiQueue": settings.SCAIQUEUE_BASE_URL,
        "ScaiBunker": settings.SCAIBUNKER_BASE_URL, "ScaiVault": settings.SCAIVAULT_BASE_URL,
    }  # fmt: skip
    key = "console-upstreams:" + ",".join(address for address in addresses.values())
    found: list[dict[str, Any]] | None = cache.get(key[:240])
    if found is None:
        with ThreadPoolExecutor(len(addresses)) as pool:
            words = [pool.submit(contextvars.copy_context().run, _word, name, url) for name, url in addresses.items()]
        found = [
            {"name": name, "purpose": PURPOSE[name], "address": url, "ok": word.result()[0], "word": word.result()[1]}
            for (name, url), word in zip(addresses.items(), words, strict=True)
        ]
        cache.set(key[:240], found, FRESH_SECONDS)
    return found


def _word(name: str, address: str) -> tuple[bool | None, str]:
    """Any answer below 500 is a sign of life: there is no health route that all of them promise."""
    if not address:
        return None, "not configured"
    try:
        http.call(name.lower(), "GET", address, read_seconds=READ_SECONDS)
    except UpstreamError as error:
        return (error.status < 500, "answers" if error.status < 500 else f"answers {error.status}")
    except PassedThrough:
        return True, "answers, and limits the rate"
    except Unreachable as error:
        return False, str(error)
    return True, "answers"
