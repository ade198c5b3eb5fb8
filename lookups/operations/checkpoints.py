"""Checkpoints of all the Cores that somebody may reach, at once: what waits for them."""

from __future__ import annotations

from typing import Any

from flows.access import flows_of_cores
from lookups.failures import told_as
from scaiflow.upstream import scaicore
from tenants.operations.credentials import required_credential
from tenants.principals import Principal

PAGES = 5
PER_PAGE = 200


def checkpoints_in_sight(*, by: Principal, status: str) -> tuple[list[dict[str, Any]], bool]:
    """`[{id, checkpoint, core_id, flow}]`, newest first, of Cores whose flows the caller may see; and whether there are
    more: at most the first 1,000 that ScaiCore tells are looked at. Raises MissingCredentials, ServiceRefused,
    ServiceFailed, PassedThrough."""
    found, is_cut = _listed(by, status)
    flows = flows_of_cores(by, {core_id for one in found if (core_id := _core_of(one))})
    told = [
        {"id": _id_of(one), "checkpoint": one, "core_id": core_id, "flow": flows[core_id]}
        for one in found
        if (core_id := _core_of(one)) in flows
    ]
    return sorted(told, key=lambda one: str(one["checkpoint"].get("created_at")), reverse=True), is_cut


def _listed(by: Principal, status: str) -> tuple[list[dict[str, Any]], bool]:
    credential = required_credential(tenant_id=by.tenant_id, token=by.token)
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    with told_as("scaicore", needs="scaicore:view"):
        for _ in range(PAGES):
            page = scaicore.list_checkpoints(
                base_url=credential.base_url, token=credential.token, core_id=None,
                status=status, limit=PER_PAGE, cursor=cursor,
            )  # fmt: skip
            found += page.items
            cursor = page.next_cursor
            if not cursor:
                break
    return found, cursor is not None


def _id_of(checkpoint: dict[str, Any]) -> str:
    """ScaiCore tells it under either name. "" where it tells none: such a one can be seen, and not be decided here."""
    told = checkpoint.get("id") or checkpoint.get("checkpoint_id")
    return told if isinstance(told, str) else ""


def _core_of(checkpoint: dict[str, Any]) -> str:
    told = checkpoint.get("core_id")
    return told if isinstance(told, str) else ""
