"""Secrets by path: ScaiVault when it is configured, our own encrypted rows when it is not."""

from __future__ import annotations

import re

from django.conf import settings

from scaiflow.kit import crypto
from scaiflow.kit.errors import Failure, Unavailable
from tenants.models import Secret

SANE_PATH = re.compile(r"[a-z0-9_/-]{1,512}")


class BadSecretPath(Failure):
    """A tenant id with characters that the vault has no place for."""

    status = 422
    error = "bad_secret_path"


def read_secret(*, path: str) -> str | None:
    """The secret, or None when there is none. Raises BadSecretPath, Unavailable."""
    _check(path)
    row = Secret.objects.filter(path=path).first()
    if row is None:
        return None
    try:
        return crypto.unseal(row.sealed, bound_to=path)
    except crypto.CannotUnseal as error:
        raise Unavailable(f"a stored secret cannot be opened: {error}", component="vault") from None


def write_secret(*, path: str, value: str) -> None:
    """Put the secret there, in place of what was there. Raises BadSecretPath, Unavailable."""
    _check(path)
    row = {"sealed": crypto.seal(value, bound_to=path), "key_id": crypto.key_id(settings.ENCRYPTION_KEYS[0])}
    Secret.objects.update_or_create(path=path, defaults=row)


def delete_secret(*, path: str) -> None:
    """Raises BadSecretPath, Unavailable."""
    _check(path)
    Secret.objects.filter(path=path).delete()


def _check(path: str) -> None:
    if not SANE_PATH.fullmatch(path):
        raise BadSecretPath(f"the vault takes only a-z 0-9 - _ / in a path, at most 512 characters, not {path!r}")
    if settings.SCAIVAULT_BASE_URL:
        raise Unavailable("ScaiVault is configured but not supported yet; unset SCAIVAULT_BASE_URL", component="vault")
