"""The ScaiGrid credential: what a tenant keeps in the vault, and which one a call uses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import transaction

from scaiflow.env import is_web_address
from scaiflow.kit import audit
from scaiflow.kit.errors import Precondition, Unprocessable
from tenants.actions import CREDENTIAL_DELETED, CREDENTIAL_SET
from tenants.operations.people import tenant_of_interest
from tenants.operations.vault import delete_secret, read_secret, write_secret
from tenants.principals import Principal

log = structlog.get_logger(__name__)
FIX = "Sign in with ScaiKey, or set this tenant's API key via POST /v1/tenants/me/scaigrid_credentials."


@dataclass(frozen=True)
class Credential:
    """Where ScaiGrid is for this tenant, and the bearer to show there."""

    base_url: str
    token: str = field(repr=False)

    def at(self, module: str, own_address: str = "") -> dict[str, str]:
        """Where a module of ScaiGrid answers, unless it has an address of its own, and the token: what upstream functions
        take."""
        return {"base_url": own_address or f"{self.base_url}/v1/modules/{module}", "token": self.token}


class MissingCredentials(Precondition):
    """There is no usable ScaiGrid credential for this tenant."""

    error = "missing_credentials"


def required_credential(
    *, tenant_id: str, token: str | None, refusal: type[MissingCredentials] = MissingCredentials
) -> Credential:
    """What `credential_for` finds. Raises `refusal`, whose name differs between deploys and lookups."""
    found = credential_for(tenant_id=tenant_id, token=token)
    if found is None:
        raise refusal(f"no ScaiGrid credentials for tenant '{tenant_id}'", fix=FIX)
    return found


def credential_for(*, tenant_id: str, token: str | None) -> Credential | None:
    """The first that there is of: the caller's token, the tenant's key, our own development key. The tenant's base URL
    holds for all three. None when there is no usable one, and when that base URL may no longer be sent to: what the
    operator took off the list after a tenant had stored it gets nobody's token. (spec: api.md, Deploy)"""
    mode = settings.DEPLOY_AUTH
    found = token if token and mode != "api_key" else None
    if not found and mode != "user_jwt":
        found = read_secret(path=_key_path(tenant_id))
    found = found or settings.SCAIGRID_API_KEY
    if not found:
        return None
    base_url = base_url_for(tenant_id=tenant_id)
    if base_url != settings.SCAIGRID_BASE_URL and (reason := _why_not(base_url)):
        log.warning("base url refused", tenant=tenant_id, reason=reason)
        return None
    return Credential(base_url=base_url, token=found)


def base_url_for(*, tenant_id: str) -> str:
    return read_secret(path=_url_path(tenant_id)) or settings.SCAIGRID_BASE_URL


def credential_status(*, tenant_id: str) -> dict[str, object]:
    """`{configured, base_url, masked_key}`; the key shows its first four and last four characters."""
    key = read_secret(path=_key_path(tenant_id))
    if key is None:
        return {"configured": False, "base_url": None, "masked_key": None}
    return {
        "configured": True,
        "base_url": base_url_for(tenant_id=tenant_id),
        "masked_key": f"{key[:4]}...{key[-4:]}",
    }


def set_credential(*, by: Principal, api_key: str, base_url: str | None, tenant_id: str = "") -> None:
    """Of their own tenant, unless a super admin names another. A vault that fails half-way leaves no key beside an address
    that it was not given for. ScaiVault takes nothing back, so what is written down comes first. Raises NotAllowed,
    Unprocessable (a base URL that tokens must not be sent to), BadSecretPath, Unavailable."""
    tenant_id = tenant_of_interest(by, tenant_id)
    if base_url is not None:
        _check_base_url(base_url)
    with transaction.atomic():
        _write_down(CREDENTIAL_SET, by, tenant_id, {"base_url": base_url})
        _move(tenant_id, base_url and base_url.rstrip("/"))
        write_secret(path=_key_path(tenant_id), value=api_key)


def _move(tenant_id: str, base_url: str | None) -> None:
    """ScaiVault knows no transaction, so the old key goes before its address does, and the new one comes after."""
    if read_secret(path=_url_path(tenant_id)) == base_url:
        return
    delete_secret(path=_key_path(tenant_id))
    if base_url is None:
        delete_secret(path=_url_path(tenant_id))
    else:
        write_secret(path=_url_path(tenant_id), value=base_url)


def delete_credential(*, by: Principal, tenant_id: str = "") -> None:
    """Raises NotAllowed, BadSecretPath, Unavailable."""
    tenant_id = tenant_of_interest(by, tenant_id)
    with transaction.atomic():
        _write_down(CREDENTIAL_DELETED, by, tenant_id, {})
        delete_secret(path=_key_path(tenant_id))
        delete_secret(path=_url_path(tenant_id))


def _write_down(action: str, by: Principal, tenant_id: str, changes: dict[str, str | None]) -> None:
    audit.record(
        action=action, tenant_id=tenant_id, actor_id=by.sub, object_type="scaigrid_credential", object_id=tenant_id,
        changes=changes,
    )  # fmt: skip


def _check_base_url(base_url: str) -> None:
    if reason := _why_not(base_url):
        raise Unprocessable.at("body", "base_url", msg=reason, type="value_error")


def _why_not(base_url: str) -> str | None:
    """Users' tokens are forwarded there, so it is https (or http to this machine) and a host that is on our list."""
    parts = urlsplit(base_url) if is_web_address(base_url) else None
    if parts is None or not (parts.scheme == "https" or _is_loopback(str(parts.hostname))):
        return "must be an https address, without credentials, query or fragment"
    if parts.hostname not in settings.SCAIGRID_ALLOWED_HOSTS:
        return f"host {parts.hostname!r} is not on SCAIFLOW_SCAIGRID_ALLOWED_HOSTS"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key_path(tenant_id: str) -> str:
    return f"tenants/{tenant_id}/scaigrid_api_key"


def _url_path(tenant_id: str) -> str:
    return f"tenants/{tenant_id}/scaigrid_base_url"
