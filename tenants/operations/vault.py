"""Secrets by path: ScaiVault when it is configured, our own encrypted rows when it is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import transaction

from scaiflow.kit import audit, crypto
from scaiflow.kit.errors import Failure, PassedThrough, Unavailable
from scaiflow.upstream import scaivault
from scaiflow.upstream.http import Unreachable, UpstreamError
from tenants.actions import SECRETS_ROTATED, SYSTEM
from tenants.models import Secret
from tenants.operations.service_tokens import ScaiKeyRefused, service_token

log = structlog.get_logger(__name__)
SANE_PATH = re.compile(r"[a-z0-9_/-]{1,512}")
Answer = TypeVar("Answer")


class BadSecretPath(Failure):
    """A tenant id with characters that the vault has no place for."""

    status = 422
    error = "bad_secret_path"


def read_secret(*, path: str) -> str | None:
    """The secret, or None when there is none. Raises BadSecretPath, Unavailable."""
    _check(path)
    if settings.SCAIVAULT_BASE_URL:
        return _ask(lambda token: scaivault.read(base_url=settings.SCAIVAULT_BASE_URL, token=token, path=path))
    row = Secret.objects.filter(path=path).first()
    return _opened(row) if row else None


def write_secret(*, path: str, value: str) -> None:
    """Put the secret there, in place of what was there. Raises BadSecretPath, Unavailable."""
    _check(path)
    if settings.SCAIVAULT_BASE_URL:
        base_url = settings.SCAIVAULT_BASE_URL
        _ask(lambda token: scaivault.write(base_url=base_url, token=token, path=path, value=value))
        return
    Secret.objects.update_or_create(path=path, defaults=_sealed(path, value))


def delete_secret(*, path: str) -> None:
    """Raises BadSecretPath, Unavailable."""
    _check(path)
    if settings.SCAIVAULT_BASE_URL:
        _ask(lambda token: scaivault.delete(base_url=settings.SCAIVAULT_BASE_URL, token=token, path=path))
        return
    Secret.objects.filter(path=path).delete()


def rotate_keys() -> int:
    """Seal with the first key whatever another one has sealed; the number of secrets. Raises Unavailable when one cannot
    be opened; those before it stay rotated, and it can be run again."""
    first, rotated = crypto.key_id(settings.ENCRYPTION_KEYS[0]), 0
    for path in Secret.objects.exclude(key_id=first).values_list("path", flat=True).order_by("path"):
        with transaction.atomic():
            row = Secret.objects.select_for_update().filter(path=path).exclude(key_id=first).first()
            if row:
                Secret.objects.filter(path=path).update(**_sealed(path, _opened(row)))
                _note_rotation(row, first)
                rotated += 1
    return rotated


def _note_rotation(row: Secret, key_id: str) -> None:
    audit.record(
        action=SECRETS_ROTATED, tenant_id=row.tenant_id, actor_id=SYSTEM, object_type="secret", object_id=row.path,
        changes={"key_id": [row.key_id, key_id]},
    )  # fmt: skip


def unknown_key_ids() -> list[str]:
    """The ids of keys that sealed a stored secret and are not among ours."""
    ours = {crypto.key_id(key) for key in settings.ENCRYPTION_KEYS}
    used = Secret.objects.order_by().values_list("key_id", flat=True).distinct()
    return sorted(set(used) - ours)


def _sealed(path: str, value: str) -> dict[str, str]:
    return {"sealed": crypto.seal(value, bound_to=path), "key_id": crypto.key_id(settings.ENCRYPTION_KEYS[0])}


def _opened(row: Secret) -> str:
    try:
        return crypto.unseal(row.sealed, bound_to=row.path)
    except crypto.CannotUnseal as error:
        raise Unavailable(f"a stored secret cannot be opened: {error}", component="vault") from None


def _ask(request: Callable[[str], Answer]) -> Answer:
    """With our service token, once more with a fresh one when it is refused. What ScaiVault says in its errors stays in
    our log: it may name paths."""
    try:
        try:
            return request(service_token(scope=scaivault.SCOPE))
        except UpstreamError as error:
            if error.status != 401:
                raise
            return request(service_token(scope=scaivault.SCOPE, fresh=True))
    except (UpstreamError, Unreachable, ScaiKeyRefused, PassedThrough) as error:
        log.error(
            "component down", component="vault", error=type(error).__name__, status=getattr(error, "status", None)
        )
        raise Unavailable("the vault does not answer as it should; try again", component="vault") from None


def _check(path: str) -> None:
    if not SANE_PATH.fullmatch(path):
        raise BadSecretPath(f"the vault takes only a-z 0-9 - _ / in a path, at most 512 characters, not {path!r}")
