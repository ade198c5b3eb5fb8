"""Bunkers in which something can be done now."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from lookups.failures import told_as
from scaiflow.upstream import scaibunker
from tenants.operations.credentials import required_credential
from tenants.principals import Principal

ACTIVE, GONE = {"running", "ready"}, {"destroyed", "deleted", "terminated"}


def list_bunkers(*, by: Principal) -> list[dict[str, Any]]:
    """`[{bunker_id, image_ref, lifecycle, status, ...}]`, with whatever else ScaiBunker tells of them. Raises
    MissingCredentials, ServiceRefused, ServiceFailed, PassedThrough."""
    credential = required_credential(tenant_id=by.tenant_id, token=by.token)
    with told_as("scaibunker", needs="scaibunker:view"):
        found = scaibunker.list_bunkers(**credential.at("scaibunker", settings.SCAIBUNKER_BASE_URL))
    return [_named(bunker) for bunker in found if is_active(bunker)]


def is_active(bunker: dict[str, Any]) -> bool:
    """Running ones, and persistent ones that only sleep."""
    status, lifecycle = (str(bunker.get(name, "")).lower() for name in ("status", "lifecycle"))
    return status in ACTIVE or (lifecycle == "persistent" and status not in GONE)


def _named(bunker: dict[str, Any]) -> dict[str, Any]:
    return {"bunker_id": bunker.get("id"), "image_ref": None, "lifecycle": None, "status": None, **bunker}
