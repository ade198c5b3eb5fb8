"""Access tokens: every check that stands between a bearer and a principal. (spec: upstreams.md, ScaiKey)

Whatever is wrong with a token, its refusal costs one check of a signature, so that the time tells nobody how far a forgery
came: where there is no key to check against, a decoy is checked instead.
"""

from __future__ import annotations

import functools
import hmac
from typing import Any

import jwt
from django.conf import settings
from jwt import PyJWK
from jwt.utils import base64url_decode

from scaiflow.kit.errors import Unauthenticated
from tenants.keys import ALGORITHMS, NOBODYS, KeyRing, decoy_for, signature_bytes
from tenants.principals import SANE_ID, SANE_SUBJECT
from tenants.roles import PERMISSIONS, SCAIKEY_ADMINS

LEEWAY = 60
LONGEST, LONGEST_HEADER = 16 * 1024, 4 * 1024
REQUIRED = ["exp", "iss", "aud", "sub", "tenant_id"]
HEADER_TYPES = frozenset({"", "jwt"})
ACCESS_HEADER_TYPES = HEADER_TYPES | {"at+jwt", "application/at+jwt"}
ACCESS_TYPES = {None, "access", "access_token", "bearer", "Bearer", "client_credentials"}
DEFAULT_ALGORITHM = "RS256"
# Beside the library's own: JSON nested too deep for it, and numbers that are no time.
BAD_TOKEN = (jwt.InvalidTokenError, RecursionError, OverflowError, ValueError)
REFUSED = "the access token is not valid"
REFUSED_ID = "the id token is not valid"


@functools.cache
def key_ring(base_url: str) -> KeyRing:
    """One ring a process for each ScaiKey."""
    return KeyRing(base_url)


def check_token(token: str) -> dict[str, Any]:
    """The claims of a good access token. Raises Unauthenticated, without telling a stranger which check failed except
    for expiry, and Unavailable when there is no key set to check against."""
    if not settings.SCAIKEY_BASE_URL:
        raise Unauthenticated(REFUSED)
    try:
        claims = _verified(token, audience=settings.SCAIKEY_AUDIENCE, types=ACCESS_HEADER_TYPES)
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("the access token has expired") from None
    except BAD_TOKEN:
        raise Unauthenticated(REFUSED) from None
    if not (_is_ours(claims) and _is_access_token(claims)):
        raise Unauthenticated(REFUSED)
    return claims


def check_id_token(token: str, *, nonce: str) -> dict[str, Any]:
    """The claims of an id token that answers our own request for one: signed by ScaiKey, for this client, with our nonce.
    Raises Unauthenticated, Unavailable."""
    try:
        claims = _verified(token, audience=settings.SCAIKEY_CLIENT_ID, types=HEADER_TYPES)
    except BAD_TOKEN:
        raise Unauthenticated(REFUSED_ID) from None
    told = claims.get("nonce")
    answers_us = isinstance(told, str) and bool(nonce) and hmac.compare_digest(told.encode(), nonce.encode())
    if not (_is_ours(claims) and answers_us and _is_for_us_alone(claims)):
        raise Unauthenticated(REFUSED_ID)
    return claims


def _is_for_us_alone(claims: dict[str, Any]) -> bool:
    """OpenID Connect Core 3.1.3.7: with several audiences the authorized party must be us; when it is named, it is us."""
    party = claims.get("azp")
    return party == settings.SCAIKEY_CLIENT_ID if party is not None else isinstance(claims["aud"], str)


def _verified(token: str, *, audience: str, types: frozenset[str]) -> dict[str, Any]:
    """One signature is checked, come what may. Raises one of BAD_TOKEN, Unavailable."""
    header = _header_of(token)
    algorithm, key = _key_for(header or {}, types)
    # A signature of the wrong length would be refused before any of it is computed.
    if key is None or len(base64url_decode(token.rpartition(".")[2])) != signature_bytes(key):
        key = key_ring(settings.SCAIKEY_BASE_URL).any(algorithm) or NOBODYS[algorithm]
        token = decoy_for(key)
    if header is None:
        _header_of(token)  # what was left out above
    options: Any = {"require": REQUIRED}
    return jwt.decode(token, key, algorithms=[algorithm], audience=audience, leeway=LEEWAY, options=options)


def _header_of(token: str) -> dict[str, Any] | None:
    if len(token) > LONGEST or token.find(".") > LONGEST_HEADER:
        return None
    try:
        return jwt.get_unverified_header(token)
    except BAD_TOKEN:
        return None


def _key_for(header: dict[str, Any], types: frozenset[str]) -> tuple[str, PyJWK | None]:
    """The algorithm that the header names, and the key that it names for it, when both are ours and nothing else in it
    speaks against the token. Raises Unavailable."""
    told, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "")
    algorithm = told if isinstance(told, str) and told in ALGORITHMS else DEFAULT_ALGORITHM
    is_sane = told == algorithm and isinstance(key_id, str) and isinstance(kind, str) and "crit" not in header
    if not is_sane or str(kind).lower() not in types:
        return algorithm, None
    return algorithm, key_ring(settings.SCAIKEY_BASE_URL).find(str(key_id), algorithm)


def _is_ours(claims: dict[str, Any]) -> bool:
    """Issued by ScaiKey itself or by the token's own tenant there, for somebody with a sane name."""
    base, tenant_id = settings.SCAIKEY_BASE_URL, claims["tenant_id"]
    if not isinstance(tenant_id, str) or not SANE_ID.fullmatch(tenant_id):
        return False
    return claims["iss"] in (base, f"{base}/tenants/{tenant_id}") and bool(SANE_SUBJECT.fullmatch(claims["sub"]))


def _is_access_token(claims: dict[str, Any]) -> bool:
    """Neither a refresh token nor an id token (a nonce or an at_hash gives one away), unless those are let in."""
    kind = claims.get("token_type", claims.get("token_use", claims.get("typ")))
    if isinstance(kind, str) and kind.lower() in {"id", "id_token"}:
        return bool(settings.ACCEPT_ID_TOKENS)
    if {"nonce", "at_hash", "c_hash"} & claims.keys():
        return bool(settings.ACCEPT_ID_TOKENS)
    return kind is None or (isinstance(kind, str) and kind in ACCESS_TYPES)


def permissions_in(claims: dict[str, Any]) -> frozenset[str]:
    """The union of the claims that carry permissions, the defaults, and what a ScaiKey admin role implies."""
    found = set(settings.DEFAULT_PERMISSIONS)
    for name in settings.PERMISSION_CLAIMS:
        value = claims.get(name)
        listed = value.split() if isinstance(value, str) else value
        found |= {item for item in listed if isinstance(item, str)} if isinstance(listed, list) else set()
    if claims.get("role") in SCAIKEY_ADMINS:
        found |= PERMISSIONS
    return frozenset(found)
