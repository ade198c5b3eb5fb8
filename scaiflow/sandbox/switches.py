"""Demonstration switches: make the stand-ins slow, limited or broken while they run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

ENVELOPES = ("native", "openai", "items")


def _fits(name: str, value: Any) -> bool:
    """Whether a value of the right type is one that the switch knows."""
    match name:
        case "latency_ms":
            return bool(0 <= value <= 60_000)
        case "fail_status":
            return bool(value == 0 or 400 <= value <= 599)
        case "rate_limit":
            return bool(value >= 0)
        case "model_list":
            return bool(value in ENVELOPES)
    return True


@dataclass
class Switches:
    """Set by `POST /sandbox/switches`; the defaults are a well-behaved upstream.

    `latency_ms` waits before every answer; `fail_status` with `fail_prefix` answers that status to every path under the
    prefix; `rate_limit` > 0 allows so many ScaiGrid calls a minute and credential; `platform_rights` off makes the
    service client an ordinary tenant client; `effective_users` off answers that list with 403; `model_list` picks one
    of the three documented envelopes of `GET /v1/models`.
    """

    latency_ms: int = 0
    fail_status: int = 0
    fail_prefix: str = "/v1"
    rate_limit: int = 0
    platform_rights: bool = True
    effective_users: bool = True
    model_list: str = "native"

    def change(self, wanted: dict[str, Any]) -> list[str]:
        """Set the named switches; returns what is wrong with the request, nothing is set then."""
        known = {switch.name: type(getattr(self, switch.name)) for switch in fields(self)}
        wrong = [name for name, value in wanted.items() if type(value) is not known.get(name) or not _fits(name, value)]
        if not wrong:
            for name, value in wanted.items():
                setattr(self, name, value)
        return wrong
