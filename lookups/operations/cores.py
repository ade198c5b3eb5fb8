"""A Core as the caller may reach it: the flow that was deployed to it, and the credential of that flow's tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flows.access import flow_of_core
from flows.roles import Level
from scaiflow.kit.errors import NotFound
from scaiflow.upstream import scaicore
from tenants.operations.credentials import Credential, required_credential
from tenants.principals import Principal

PAGES = 20
PER_PAGE = 100
NO_CHECKPOINT = "there is no pending checkpoint with this id"


@dataclass(frozen=True)
class Core:
    """`tenant_id` is the flow's, which is the caller's own but for super admins."""

    id: str
    flow_id: str
    tenant_id: str
    credential: Credential

    @property
    def at(self) -> dict[str, Any]:
        return {"base_url": self.credential.base_url, "token": self.credential.token}


def core_for(principal: Principal, core_id: str, *, level: Level) -> Core:
    """Raises NotFound (no flow that the caller may see was deployed to it), NotAllowed, MissingCredentials."""
    flow = flow_of_core(principal, core_id, level=level)
    credential = required_credential(tenant_id=flow.tenant_id, token=principal.token)
    return Core(core_id, flow.id, flow.tenant_id, credential)


def core_of_checkpoint(principal: Principal, checkpoint_id: str, *, core_id: str | None, level: Level) -> Core:
    """The Core that a pending checkpoint belongs to, as ScaiCore itself says, and only then checked like any other.

    ScaiCore has no call that gives one checkpoint, so its list is read, page by page: of the Core that the caller named,
    or of all that their credential may see. What the caller says of a Core is never believed; it only makes it quicker.
    Raises as `core_for` does, NotFound also when no pending checkpoint has this id, and what scaicore.py raises."""
    if core_id is not None:
        core = core_for(principal, core_id, level=level)
        if _owner(core.credential, checkpoint_id, core_id) != core_id:
            raise NotFound(NO_CHECKPOINT)
        return core
    credential = required_credential(tenant_id=principal.tenant_id, token=principal.token)
    owner = _owner(credential, checkpoint_id, None)
    if owner is None:
        raise NotFound(NO_CHECKPOINT)
    try:
        return core_for(principal, owner, level=level)
    except NotFound as error:
        raise type(error)(NO_CHECKPOINT) from None  # whose it is must not be told by the words


def _owner(credential: Credential, checkpoint_id: str, core_id: str | None) -> str | None:
    cursor: str | None = None
    for _ in range(PAGES):
        page = scaicore.list_checkpoints(
            base_url=credential.base_url, token=credential.token, core_id=core_id,
            status="pending", limit=PER_PAGE, cursor=cursor,
        )  # fmt: skip
        found = next((one for one in page.items if checkpoint_id in (one.get("id"), one.get("checkpoint_id"))), None)
        if found:
            owner = found.get("core_id")
            return owner if isinstance(owner, str) else None
        cursor = page.next_cursor
        if not cursor:
            return None
    return None
