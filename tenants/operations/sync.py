"""The sweep: everything that ScaiKey tells, into the mirror. Never two at once, and all of it fetched before any of it is
applied, so that a sweep which fails half-way has changed nothing."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import structlog
from django.db import transaction

from scaiflow.kit.leases import LeaseTaken, lease
from tenants.actions import SYSTEM
from tenants.models import User
from tenants.operations import mirror
from tenants.operations.directory import EFFECTIVE, WALK, fetch_all, fetch_users
from tenants.operations.service_tokens import is_configured
from tenants.operations.super_admins import reconcile_super_admins

log = structlog.get_logger(__name__)
LEASE = "scaikey-sync"
COUNTED = (
    "users_seen", "users_added", "users_undeleted", "users_soft_deleted",
    "groups_seen", "groups_added", "groups_undeleted", "groups_soft_deleted",
    "memberships_seen", "memberships_added", "memberships_soft_deleted",
)  # fmt: skip
SUPER = ("super_admins_group_promoted", "super_admins_group_demoted")


def sync(*, force: bool = False, actor_id: str = SYSTEM) -> dict[str, Any]:
    """The documented report. `skipped_reason` is null, "not_configured", "running" (nothing was done), or "shrunk" (done,
    but nobody was deleted where a list was too short; `force` deletes). Raises ScaiKeyRefused."""
    started = time.perf_counter()
    if not is_configured():
        return _report(Counter(), started, "not_configured")
    try:
        with lease(LEASE) as held:
            rolls = fetch_all(breathe=held.renew)
            held.renew()
            with transaction.atomic():  # all tenants or none: what fails half-way has deleted nobody
                applied = [mirror.apply(roll, force=force, actor_id=actor_id) for roll in rolls]
                counts = sum((counts for counts, _ in applied), Counter()) + reconcile_super_admins()
    except LeaseTaken:
        return _report(Counter(), started, "running")
    walked = any(roll.method == WALK for roll in rolls)
    shrunk = any(is_shrunk for _, is_shrunk in applied)
    report = _report(counts, started, "shrunk" if shrunk else None, WALK if walked else EFFECTIVE)
    log.info("mirror synced", **report)
    return report


def refresh_users(*, tenant_id: str) -> bool:
    """One tenant's users alone, after an application was given to a group or taken from it. False when a sweep is running
    just now: try again. Raises ScaiKeyRefused."""
    try:
        with lease(LEASE) as held:
            roll = fetch_users(tenant_id=tenant_id, breathe=held.renew)
            held.renew()
            with transaction.atomic():
                mirror.apply(roll, force=False, users_only=True)
                reconcile_super_admins()
    except LeaseTaken:
        return False
    return True


def _report(counts: Counter[str], started: float, skipped: str | None, method: str = EFFECTIVE) -> dict[str, Any]:
    return {
        "skipped_reason": skipped,
        "users_method": method,
        **{name: counts[name] for name in COUNTED},
        "super_admin_count": User.objects.super_admins().count(),
        **{name: counts[name] for name in SUPER},
        "duration_seconds": round(time.perf_counter() - started, 3),
    }
