"""Who else may do what on a flow: entries given, changed and taken back, each with its line in the audit log."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from flows.actions import ACL_CHANGED, ACL_GRANTED, ACL_REVOKED
from flows.models import Flow, FlowACL
from flows.roles import Level, PrincipalType
from scaiflow.kit import audit
from scaiflow.kit.errors import AppError, Conflict, NotFound
from tenants.models import Group, User
from tenants.principals import Principal


class BadGrant(AppError):
    """A level or a type of principal that there is not."""

    status = 400


def grant(*, flow: Flow, by: Principal, principal_type: str, principal_id: str, level: str) -> FlowACL:
    """Raises BadGrant, NotFound (not in the mirror of the flow's tenant), Conflict (has an entry already)."""
    if principal_type not in PrincipalType.values:
        raise BadGrant(f"principal_type must be one of {', '.join(PrincipalType.values)}, not {principal_type!r}")
    wanted = _level(level)
    _require_principal(flow.tenant_id, principal_type, principal_id)
    try:
        with transaction.atomic():
            entry = FlowACL.objects.create(
                flow=flow, principal_type=principal_type, principal_id=principal_id, level=wanted, granted_by=by.sub
            )
            _write_down(ACL_GRANTED, entry, flow, by, [None, wanted.word])
    except IntegrityError:
        raise Conflict(f"this {principal_type} has an entry on this flow already; change that one") from None
    return entry


def change_level(*, entry: FlowACL, flow: Flow, by: Principal, level: str) -> FlowACL:
    """Raises BadGrant, NotFound (revoked meanwhile)."""
    wanted = _level(level)
    with transaction.atomic():
        locked = _locked(entry)
        before, locked.level = Level(locked.level), wanted
        locked.save(update_fields=["level"])
        _write_down(ACL_CHANGED, locked, flow, by, [before.word, wanted.word])
    return locked


def revoke(*, entry: FlowACL, flow: Flow, by: Principal) -> None:
    """Raises NotFound (revoked meanwhile)."""
    with transaction.atomic():
        locked = _locked(entry)
        _write_down(ACL_REVOKED, locked, flow, by, [Level(locked.level).word, None])
        locked.delete()


def _level(word: str) -> Level:
    found = Level.of_word(word)
    if found is None:
        raise BadGrant(f"level must be one of {', '.join(level.word for level in Level)}, not {word!r}")
    return found


def _require_principal(tenant_id: str, principal_type: str, principal_id: str) -> None:
    mirror = User.objects if principal_type == PrincipalType.USER else Group.objects
    if not mirror.filter(id=principal_id, tenant_id=tenant_id, deleted_at=None).exists():
        raise NotFound(f"{principal_type} not found")


def _locked(entry: FlowACL) -> FlowACL:
    found = FlowACL.objects.select_for_update().filter(id=entry.id).first()
    if found is None:
        raise NotFound("access entry not found")
    return found


def _write_down(action: str, entry: FlowACL, flow: Flow, by: Principal, levels: list[str | None]) -> None:
    audit.record(
        action=action, tenant_id=flow.tenant_id, actor_id=by.sub, object_type="flow", object_id=flow.id,
        changes={"acl": entry.id, entry.principal_type: entry.principal_id, "level": levels},
    )  # fmt: skip
