"""What ScaiKey tells of its people, fetched whole before anything of it is applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt
import structlog
from django.conf import settings
from django.utils import timezone

from scaiflow.upstream import scaikey
from scaiflow.upstream.http import Unreachable, UpstreamError
from scaiflow.upstream.scaikey import Breath, Person, Team
from tenants.operations.service_tokens import refused, service_token
from tenants.principals import SANE_ID

log = structlog.get_logger(__name__)
EFFECTIVE, WALK = "effective_users", "member_walk"


@dataclass
class Roll:
    """One tenant's people as they were at `at`. `memberships` are pairs of group id and user id."""

    tenant_id: str
    at: datetime
    method: str = EFFECTIVE
    users: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Team] = field(default_factory=dict)
    memberships: set[tuple[str, str]] = field(default_factory=set)


def fetch_all(*, breathe: Breath) -> list[Roll]:
    """Every tenant that we may see. Raises ScaiKeyRefused; `breathe` is called before each page that is asked for."""
    try:
        token = service_token()
        return [_fetch(token, tenant_id, breathe) for tenant_id in _tenant_ids(token, breathe)]
    except (UpstreamError, Unreachable) as error:
        raise refused(error) from None


def fetch_users(*, tenant_id: str, breathe: Breath) -> Roll:
    """One tenant's users, without groups. Raises ScaiKeyRefused."""
    try:
        token = service_token()
        roll = Roll(tenant_id, timezone.now())
        effective = _effective(token, tenant_id, breathe)
        if effective is None:
            walked = _fetch(token, tenant_id, breathe)
            return Roll(tenant_id, roll.at, WALK, walked.users)
        roll.users = effective
    except (UpstreamError, Unreachable) as error:
        raise refused(error) from None
    return roll


def _tenant_ids(token: str, breathe: Breath) -> list[str]:
    """All tenants; without platform rights the service token's own alone."""
    try:
        found = scaikey.list_tenants(base_url=settings.SCAIKEY_BASE_URL, token=token, breathe=breathe)
    except UpstreamError as error:
        if error.status != 403:
            raise
        found = [_own_tenant(token)]
    sane = [tenant_id for tenant_id in found if SANE_ID.fullmatch(tenant_id)]
    if len(sane) < len(found):
        log.error("tenants left out", service="scaikey", count=len(found) - len(sane))
    return sane


def _own_tenant(token: str) -> str:
    """Read from the token without checking its signature: it came to us from ScaiKey itself just now."""
    try:
        tenant_id = jwt.decode(token, options={"verify_signature": False}).get("tenant_id")
    except jwt.InvalidTokenError:
        tenant_id = None
    if not isinstance(tenant_id, str) or not SANE_ID.fullmatch(tenant_id):
        raise Unreachable(scaikey.SERVICE, "our own token names no tenant")
    return tenant_id


def _fetch(token: str, tenant_id: str, breathe: Breath) -> Roll:
    roll = Roll(tenant_id, timezone.now())
    at: dict[str, Any] = {"base_url": settings.SCAIKEY_BASE_URL, "token": token, "breathe": breathe}
    effective = _effective(token, tenant_id, breathe)
    groups = scaikey.list_groups(**at, tenant_id=tenant_id)
    roll.groups = {group.id: group for group in groups if group.tenant_id == tenant_id}
    walked: dict[str, Person] = {}
    for group_id in roll.groups:
        members = scaikey.list_members(**at, group_id=group_id, tenant_id=tenant_id)
        ours = {member.id: member for member in members if member.tenant_id == tenant_id}
        roll.memberships |= {(group_id, user_id) for user_id in ours}
        walked |= ours
    roll.method = WALK if effective is None else EFFECTIVE
    roll.users = walked if effective is None else effective
    return roll


def _effective(token: str, tenant_id: str, breathe: Breath) -> dict[str, Person] | None:
    """None when we have no right to ask. People of other tenants are left out, whatever the list says."""
    try:
        found = scaikey.list_effective_users(
            base_url=settings.SCAIKEY_BASE_URL, token=token, tenant_id=tenant_id,
            application_id=settings.SCAIKEY_APPLICATION_ID, breathe=breathe,
        )  # fmt: skip
    except UpstreamError as error:
        if error.status != 403:
            raise
        return None
    return {person.id: person for person in found if person.tenant_id == tenant_id}
