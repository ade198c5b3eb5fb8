"""What the tests of the socket do again and again."""

from __future__ import annotations

from typing import Any

from tests.sync.node import Node
from tests.sync.stage import Stage


def join(
    node: Node, stage: Stage, name: str, flow: str, sub: str = "usr_ada", *,
    server: str = "server", claims: dict[str, Any] | None = None, **more: Any,
) -> int:  # fmt: skip
    """An ordinary client, synced; its client id."""
    token = stage.token(sub, **(claims or {}))
    client = int(node.ask("open", id=name, url=stage.url(flow, server), token=token, **more)["client"])
    node.until("synced", id=name)
    return client


def raw(node: Node, stage: Stage, name: str, flow: str, token: str = "") -> None:
    """A socket that says what it is told to."""
    node.ask("rawOpen", id=name, url=f"{stage.url(flow)}/sync?token={token or stage.token()}")
    node.until("opened", id=name)


def make_known(stage: Stage, sub: str, **columns: str) -> None:
    """Into the mirror of users."""
    row = {"id": sub, "tenant_id": "tnt_demo", "email": "", "display_name": "", "status": "ACTIVE"}
    stage.put("tenants_user", **row | {"admin_role": None, "admin_role_source": None} | columns)


def grant(stage: Stage, flow: str, sub: str, level: str, *, server: str = "server") -> str:
    """The id of the access entry."""
    make_known(stage, sub)
    body = {"principal_type": "user", "principal_id": sub, "level": level}
    told = stage.call("POST", f"/api/v1/flows/{flow}/acls", body, name=server)
    assert told.status == 201, told
    return str(told.body["id"])
