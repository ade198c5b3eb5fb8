"""ScaiKey: discovery, signing keys, the token endpoint, and the lists of people. (spec: upstreams.md, ScaiKey)"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from scaiflow.kit.errors import PassedThrough
from scaiflow.kit.nul import without_nul
from scaiflow.upstream.http import Unreachable, UpstreamError, call, expect_object

SERVICE = "scaikey"
PER_PAGE, MAX_PAGES = 100, 10_000
SANE_KEY = re.compile(r"[^\s\0-\x1f]{1,128}")
ONE_TIME = ("code", "code_verifier", "refresh_token")
DISCOVERY_SECONDS = 600.0
Breath = Callable[[], None]
DISCOVERY = "/api/v1/platform/oauth/.well-known/openid-configuration"


@dataclass(frozen=True)
class Endpoints:
    issuer: str
    authorization: str
    token: str
    jwks: str
    userinfo: str


_known: dict[str, tuple[float, Endpoints]] = {}


def discover(*, base_url: str) -> Endpoints:
    """Asked for again when it is older than ten minutes; what is known stays good while ScaiKey does not answer. Raises
    Unreachable, UpstreamError, PassedThrough."""
    asked_at, known = _known.get(base_url, (0.0, None))
    if known and time.monotonic() - asked_at < DISCOVERY_SECONDS:
        return known
    try:
        found = _discover(base_url)
    except (Unreachable, UpstreamError, PassedThrough):
        if known is None:
            raise
        return known
    _known[base_url] = (time.monotonic(), found)
    return found


def _discover(base_url: str) -> Endpoints:
    found = expect_object(SERVICE, call(SERVICE, "GET", base_url + DISCOVERY).data)
    try:
        return Endpoints(
            issuer=str(found["issuer"]),
            authorization=str(found["authorization_endpoint"]),
            token=str(found["token_endpoint"]),
            jwks=str(found["jwks_uri"]),
            userinfo=str(found["userinfo_endpoint"]),
        )
    except KeyError as error:
        raise Unreachable(SERVICE, f"its discovery document lacks {error}") from None


def fetch_keys(*, jwks_url: str) -> list[dict[str, Any]]:
    """The key set's JWKs, as they are. Raises Unreachable, UpstreamError."""
    keys = expect_object(SERVICE, call(SERVICE, "GET", jwks_url).data).get("keys")
    if not isinstance(keys, list):
        raise Unreachable(SERVICE, "its key set has no keys")
    return [key for key in keys if isinstance(key, dict)]


def request_tokens(*, token_url: str, client: tuple[str, str], form: dict[str, str]) -> dict[str, Any]:
    """One POST to the token endpoint, never repeated: codes and refresh tokens are good for one use.

    Raises UpstreamError (its `body` holds `error` and `error_description`), Unreachable."""
    reply = call(
        SERVICE, "POST", token_url, basic=client,
        body=urlencode(form).encode(), content_type="application/x-www-form-urlencoded",
        hidden=[form[name] for name in ONE_TIME if name in form],
    )  # fmt: skip
    return expect_object(SERVICE, reply.data)


@dataclass(frozen=True)
class Person:
    """A user as ScaiKey tells of them; "" where it tells nothing."""

    id: str
    tenant_id: str
    email: str
    display_name: str
    status: str


@dataclass(frozen=True)
class Team:
    """A group as ScaiKey tells of it."""

    id: str
    tenant_id: str
    name: str


def list_tenants(*, base_url: str, token: str, breathe: Breath) -> list[str]:
    """The ids of all tenants. `breathe` is called before each page, here and below: a list may be long. Raises UpstreamError
    (403: no platform rights), Unreachable."""
    return [str(item["id"]) for item in _pages(f"{base_url}/api/v1/admin/tenants", token, breathe)]


def list_effective_users(
    *, base_url: str, token: str, tenant_id: str, application_id: str, breathe: Breath
) -> list[Person]:
    """Who may use the application in this tenant. Raises UpstreamError (403: no right to ask), Unreachable."""
    path = f"/api/v1/tenants/{quote(tenant_id, safe='')}/applications/{quote(application_id, safe='')}/effective-users"
    return [person_of(item, tenant_id) for item in _pages(base_url + path, token, breathe)]


def list_groups(*, base_url: str, token: str, tenant_id: str, breathe: Breath) -> list[Team]:
    """Raises UpstreamError, Unreachable."""
    found = _pages(f"{base_url}/api/v1/admin/groups/", token, breathe, tenant_id=tenant_id)
    return [team_of(item, tenant_id) for item in found]


def list_members(*, base_url: str, token: str, group_id: str, tenant_id: str, breathe: Breath) -> list[Person]:
    """Raises UpstreamError, Unreachable."""
    found = _pages(f"{base_url}/api/v1/admin/groups/{quote(group_id, safe='')}/members", token, breathe)
    return [person_of(item, tenant_id) for item in found]


def person_of(item: dict[str, Any], tenant_id: str) -> Person:
    """From any of the forms that ScaiKey uses; `tenant_id` where the item names no tenant itself."""
    names = (item.get("display_name"), item.get("name"), _full_name(item))
    return Person(
        id=str(item["id"]),
        tenant_id=_tenant_of(item) or tenant_id,
        email=_text(item.get("email")),
        display_name=next((text for name in names if (text := _text(name))), ""),
        status=_text(item.get("status")).upper()[:32],
    )


def team_of(item: dict[str, Any], tenant_id: str) -> Team:
    return Team(id=str(item["id"]), tenant_id=_tenant_of(item) or tenant_id, name=_text(item.get("name")))


def _tenant_of(item: dict[str, Any]) -> str:
    tenant = item.get("tenant")
    return _text(item.get("tenant_id")) or _text(tenant.get("id") if isinstance(tenant, dict) else "")


def _full_name(item: dict[str, Any]) -> str:
    return f"{_text(item.get('first_name'))} {_text(item.get('last_name'))}".strip()


def _text(value: Any) -> str:
    """As much of it as the mirror has room for, and no NUL, which not every database can keep."""
    return str(without_nul(value)).strip()[:254] if isinstance(value, str) else ""


def _pages(url: str, token: str, breathe: Breath, **params: str) -> list[dict[str, Any]]:
    """All items of a list, each once. The end is where `total` items were seen, or where a page brings nothing new: no
    page size is trusted, because a server may give less than it was asked for."""
    seen: dict[str, dict[str, Any]] = {}
    for page in range(1, MAX_PAGES + 1):
        breathe()
        query: dict[str, str | int | None] = {**params, "page": page, "per_page": PER_PAGE}
        items, total = _items(call(SERVICE, "GET", url, token=token, params=query).data)
        fresh = {str(item["id"]): item for item in items if str(item["id"]) not in seen}
        seen |= fresh
        if not fresh or (total is not None and len(seen) >= total):
            return list(seen.values())
    raise Unreachable(SERVICE, f"a list has more than {MAX_PAGES} pages")


def _items(body: Any) -> tuple[list[dict[str, Any]], int | None]:
    """The items and the total, where it is told: a bare list, or one under `items`, `data` or `data.items`."""
    total = None
    while isinstance(body, dict):
        told = body.get("total")
        total = told if isinstance(told, int) and not isinstance(told, bool) else total
        body = body.get("items", body.get("data"))
    if not isinstance(body, list):
        raise Unreachable(SERVICE, "answered with JSON of an unexpected shape")
    return [_with_id(item) for item in body], total


def _with_id(item: Any) -> dict[str, Any]:
    """Raises Unreachable. Members may come as `{"user": {...}}` or `{"user_id": ...}`."""
    inner = item.get("user", item) if isinstance(item, dict) else None
    if isinstance(inner, dict):
        found = inner.get("user_id") if inner.get("user_id") else inner.get("id")
        if isinstance(found, str) and SANE_KEY.fullmatch(found):
            return inner | {"id": found}
    raise Unreachable(SERVICE, "answered with an item without a usable id")
