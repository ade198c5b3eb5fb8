"""ScaiGrid's rate limit, for demonstrations: so many calls a minute and credential."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from flask import Response, g, request

from scaiflow.sandbox.envelope import ApiError
from scaiflow.sandbox.state import current

_WINDOW_SECONDS = 60


@dataclass
class Meter:
    """Calls of each credential inside the present window."""

    window: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def count(self, credential: str, window: int) -> int:
        """One more call; how many there were in this window."""
        with self.lock:
            if window != self.window:
                self.window, self.calls = window, {}
            self.calls[credential] = self.calls.get(credential, 0) + 1
            return self.calls[credential]


def limit(meter: Meter) -> None:
    """Refuse the call with 429 once the credential has used up its minute; nothing while the switch is off."""
    most = current().switches.rate_limit
    if not most or not request.path.startswith("/v1"):
        return
    now = int(current().clock.now().timestamp())
    reset = (now // _WINDOW_SECONDS + 1) * _WINDOW_SECONDS
    used = meter.count(request.headers.get("Authorization", ""), reset)
    g.rate_limit_headers = {
        "X-Scaigrid-Ratelimit-Limit": str(most),
        "X-Scaigrid-Ratelimit-Remaining": str(max(0, most - used)),
        "X-Scaigrid-Ratelimit-Reset": str(reset),
    }
    if used > most:
        headers = {"Retry-After": str(max(1, reset - now))}
        raise ApiError(429, "RATE_LIMITED", f"more than {most} calls a minute", headers=headers)


def tell(response: Response) -> None:
    """Put the three documented headers on an answer that was counted."""
    response.headers.update(g.get("rate_limit_headers", {}))
