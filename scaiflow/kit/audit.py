"""The audit log: `record` writes one entry into the caller's transaction, at the end of its tenant's chain.

Apps register the names of their actions (`CREATED = audit.register("flow.created")`); an unregistered one is a bug.
`changes` holds `{field: [before, after]}`, redacted: what is named or looks like a secret never gets in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from scaiflow.kit import bell
from scaiflow.kit.logs import redact
from scaiflow.kit.models import AuditChain, AuditEntry

log = structlog.get_logger(__name__)
DONE, REFUSED, FAILED = "done", "refused", "failed"
LONGEST = 500
ACTIONS: set[str] = set()
OF_ACCESS: set[str] = set()  # after these somebody may do more or less than before
Changes = Mapping[str, Any]


class Actor(Protocol):
    @property
    def sub(self) -> str: ...


def register(action: str, *, is_of_access: bool = False) -> str:
    """Make the name known. Raises ValueError for one that is taken."""
    if action in ACTIONS:
        raise ValueError(f"the action {action!r} is registered twice")
    ACTIONS.add(action)
    if is_of_access:
        OF_ACCESS.add(action)
    return action


RIGHT_REFUSED = register("right.refused")


def record(
    *, action: str, tenant_id: str, actor_id: str, object_type: str, object_id: str,
    changes: Changes | None = None, result: str = DONE,
) -> AuditEntry:  # fmt: skip
    """One entry, inside the transaction that makes the change: both happen or neither. `tenant_id` is the tenant whose
    rows change (of a refusal: the tenant of the one who was refused). Raises ValueError for an unregistered action."""
    if action not in ACTIONS:
        raise ValueError(f"the action {action!r} is not registered")
    with transaction.atomic():
        chain = _locked_chain(tenant_id)
        entry = AuditEntry(
            tenant_id=tenant_id, sequence=chain.sequence + 1, at=timezone.now(), actor_id=actor_id[:128],
            action=action, object_type=object_type, object_id=redact(object_id)[:512], result=result,
            request_id=str(structlog.contextvars.get_contextvars().get("request_id", ""))[:128],
            changes=redacted(changes or {}), previous=chain.digest,
        )  # fmt: skip
        entry.digest = digest_of(entry)
        entry.save()
        AuditChain.objects.filter(tenant_id=tenant_id).update(sequence=entry.sequence, digest=entry.digest)
        if action in OF_ACCESS:
            bell.ring_on_commit()
    return entry


def record_refusal(*, actor: Actor, tenant_id: str, object_type: str, object_id: str, changes: Changes) -> None:
    """An entry of its own: whatever was going on has been rolled back. A log that cannot be written refuses all the same."""
    try:
        record(
            action=RIGHT_REFUSED, tenant_id=tenant_id, actor_id=actor.sub, object_type=object_type,
            object_id=object_id, changes=changes, result=REFUSED,
        )  # fmt: skip
    except DatabaseError as error:
        log.error("refusal not in the audit log", error=type(error).__name__)


def difference(before: Changes, after: Changes) -> dict[str, list[Any]]:
    """`{field: [before, after]}` of the fields that differ; what is only on one side is null on the other."""
    fields = {**before, **after}
    return {name: [before.get(name), after.get(name)] for name in fields if before.get(name) != after.get(name)}


def redacted(changes: Changes) -> dict[str, Any]:
    """Plain JSON without secrets and without endless texts."""
    plain = json.loads(json.dumps(redact(dict(changes)), default=str))
    return {name: _cut(value) for name, value in plain.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST:
        return value[:LONGEST] + f"... ({len(value)} characters)"
    return [_cut(item) for item in value] if isinstance(value, list) else value


def digest_of(entry: AuditEntry) -> str:
    """SHA-256 over everything that the entry says, in one fixed form, and the digest before it."""
    fields = [
        entry.previous, entry.id, entry.tenant_id, entry.sequence, _moment(entry.at), entry.actor_id, entry.action,
        entry.object_type, entry.object_id, entry.result, entry.request_id, entry.changes,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def heads() -> list[tuple[str, int, str]]:
    """`(tenant, sequence, digest)` of every chain's last entry: what is kept elsewhere proves later that nothing before it
    was written anew."""
    return list(AuditChain.objects.order_by("tenant_id").values_list("tenant_id", "sequence", "digest"))


def broken_anchors(anchors: Iterable[tuple[str, int, str]]) -> Iterator[str]:
    """What is no longer as `heads` once told, in words."""
    for tenant_id, sequence, digest in anchors:
        found = AuditEntry.objects.filter(tenant_id=tenant_id, sequence=sequence).first()
        if found is None or found.digest != digest:
            yield f"{tenant_id}: entry {sequence} is not the one that was there when its digest was written down"


def problems(tenant_id: str) -> Iterator[str]:
    """What is wrong with a tenant's chain, in words; nothing when it is whole."""
    expected, previous = 1, ""
    for entry in AuditEntry.objects.filter(tenant_id=tenant_id).order_by("sequence").iterator(chunk_size=1000):
        if entry.sequence != expected:
            yield f"{tenant_id}: entry {expected} is missing"
        elif entry.previous != previous:
            yield f"{tenant_id}: entry {entry.sequence} ({entry.id}) does not follow the one before it"
        if digest_of(entry) != entry.digest:
            yield f"{tenant_id}: entry {entry.sequence} ({entry.id}) was changed"
        expected, previous = entry.sequence + 1, entry.digest
    head = AuditChain.objects.filter(tenant_id=tenant_id).first()
    if head is None or (head.sequence, head.digest) != (expected - 1, previous):
        yield f"{tenant_id}: the chain does not end where it should; entries are missing at its end"


# InnoDB gives everybody who loses the race for a new row a shared lock on it, and then none of them the exclusive one. This
# takes the exclusive one at once.
_MYSQL_BEGIN = """
INSERT INTO kit_auditchain (tenant_id, sequence, digest) VALUES (%s, 0, '') ON DUPLICATE KEY UPDATE sequence = sequence
"""


def _locked_chain(tenant_id: str) -> AuditChain:
    chains = AuditChain.objects.select_for_update().filter(tenant_id=tenant_id)
    found = chains.first()
    if found is not None:
        return found
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute(_MYSQL_BEGIN, [tenant_id])
    else:
        AuditChain.objects.get_or_create(tenant_id=tenant_id)
    return chains.get()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
