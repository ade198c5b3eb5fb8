"""Authenticated encryption for what must rest encrypted: AES-256-GCM, bound to the place where it is kept.

A sealed text is `v1.<key id>.<base64 of nonce and ciphertext>`. The first of SCAIFLOW_ENCRYPTION_KEYS seals, all of them
open. `bound_to` is authenticated with it: a ciphertext copied to another row does not open there.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings


class CannotUnseal(Exception):
    """The key is not among ours, or the text was changed or moved. A matter for the operator, never for a caller."""


def key_id(key: bytes) -> str:
    return hashlib.sha256(b"scaiflow key id" + key).hexdigest()[:12]


def seal(plain: str, *, bound_to: str) -> str:
    key = settings.ENCRYPTION_KEYS[0]
    nonce = secrets.token_bytes(12)
    body = AESGCM(key).encrypt(nonce, plain.encode(), bound_to.encode())
    return f"v1.{key_id(key)}.{base64.urlsafe_b64encode(nonce + body).decode()}"


def unseal(sealed: str, *, bound_to: str) -> str:
    """Raises CannotUnseal."""
    version, wanted, body = sealed.split(".")
    key = next((key for key in settings.ENCRYPTION_KEYS if key_id(key) == wanted), None)
    if version != "v1" or key is None:
        raise CannotUnseal(f"sealed with key {wanted}, which is not in SCAIFLOW_ENCRYPTION_KEYS")
    raw = base64.urlsafe_b64decode(body)
    try:
        return AESGCM(key).decrypt(raw[:12], raw[12:], bound_to.encode()).decode()
    except InvalidTag:
        raise CannotUnseal("the sealed text was changed or does not belong here") from None
