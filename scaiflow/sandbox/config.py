"""What the sandbox is told when it starts."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class ConfigError(ValueError):
    """An option or variable that the sandbox cannot start with; the message names it."""


@dataclass(frozen=True)
class Config:
    """Everything that is fixed for the life of one sandbox.

    `port` 0 = any free one; `state` None = memory only; `seed` None = random ids; `public_url` is the address that others
    know it under (and the issuer of its tokens) where that is not the address it listens on.
    """

    host: str = "127.0.0.1"
    port: int = 8100
    state: Path | None = None
    seed: str | None = None
    public_url: str | None = None
    client_id: str = "scaiflow"
    client_secret: str = "sandbox-secret"  # noqa: S105 - a published default of a development aid
    webhook_url: str | None = None
    webhook_secret: str = "sandbox-webhook-secret"  # noqa: S105 - as above
    http_allow: tuple[str, ...] = ()
    openai_base_url: str | None = None
    openai_api_key: str | None = None
    openai_model: str | None = None
    access_token_seconds: int = 3600
    step_limit: int = 10_000
    time_limit_seconds: float = 60.0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def from_options(options: Mapping[str, object], environ: Mapping[str, str]) -> Config:
    """Command line options over environment variables over defaults.

    Raises ConfigError for a host that is not loopback (unless `allow_any_host`) and for a port out of range.
    """
    host, port = str(options["host"]), int(str(options["port"]))
    if not is_loopback(host) and not options.get("allow_any_host"):
        raise ConfigError(f"--host {host}: the sandbox listens on loopback only; --allow-any-host overrides this")
    if not 0 <= port <= 65535:
        raise ConfigError(f"--port {port}: must be 0..65535")
    state = options.get("state")
    return Config(
        host="127.0.0.1" if host == "localhost" else host,
        port=port,
        state=Path(str(state)) if state else None,
        seed=str(options["seed"]) if options.get("seed") else None,
        public_url=(environ.get("SANDBOX_PUBLIC_URL") or "").rstrip("/") or None,
        client_id=environ.get("SANDBOX_CLIENT_ID") or Config.client_id,
        client_secret=environ.get("SANDBOX_CLIENT_SECRET") or Config.client_secret,
        webhook_url=environ.get("SANDBOX_WEBHOOK_URL") or None,
        webhook_secret=environ.get("SANDBOX_WEBHOOK_SECRET") or Config.webhook_secret,
        http_allow=tuple(host.strip() for host in environ.get("SANDBOX_HTTP_ALLOW", "").split(",") if host.strip()),
        openai_base_url=environ.get("SANDBOX_OPENAI_BASE_URL") or None,
        openai_api_key=environ.get("SANDBOX_OPENAI_API_KEY") or None,
        openai_model=environ.get("SANDBOX_OPENAI_MODEL") or None,
    )
