"""Who may come in: a token, and the one door to the flow. Blocking; runs on a thread."""

from __future__ import annotations

from dataclasses import dataclass

from flows.access import flow_for, level_on
from flows.roles import Level
from scaiflow.kit import audit
from scaiflow.kit.errors import AppError, NotAllowed, Unseen
from scaiflow.kit.rights import MANAGE, VIEW
from tenants.authentication import principal_of
from tenants.principals import Principal


@dataclass(frozen=True)
class Admission:
    principal: Principal
    may_write: bool


def admit(token: str, flow_id: str) -> Admission:
    """Raises Unauthenticated, NotAllowed, NotFound, Unavailable. A refusal of a right is written down, as over HTTP."""
    principal = principal_of(token)
    try:
        return Admission(principal, _may_write(principal, flow_id))
    except (NotAllowed, Unseen) as error:
        note_refused(principal, flow_id, error.message)
        raise


def note_refused(principal: Principal, flow_id: str, why: str) -> None:
    audit.record_refusal(
        actor=principal, tenant_id=principal.tenant_id, object_type="flow-sync", object_id=flow_id,
        changes={"method": "SYNC", "refused": why},
    )  # fmt: skip


def admit_again(token: str, flow_id: str, *, may_write: bool) -> Admission | AppError:
    """What has become of somebody's access: it is there (and maybe more than before), or the error to close with. Who had
    access may know that it was taken away, so that is not the 404 of strangers."""
    try:
        principal = principal_of(token)
        now = Admission(principal, _may_write(principal, flow_id))
    except Unseen:
        return NotAllowed("your access to this flow was taken away")
    except AppError as error:
        return error
    if may_write and not now.may_write:
        return NotAllowed("your access to this flow was lowered; come back to read")
    return now


def _may_write(principal: Principal, flow_id: str) -> bool:
    if not principal.may(VIEW):
        raise NotAllowed(f"permission '{VIEW}' is missing")
    flow = flow_for(principal, flow_id, level=Level.VIEW)
    return level_on(principal, flow) >= Level.EDIT and principal.may(MANAGE)
