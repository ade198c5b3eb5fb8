"""What tests of runs do again and again: a step that calls a plugin, a queue, a decision."""

from __future__ import annotations

from typing import Any

from tests.sandbox.client import Answer, SandboxClient, step

CHECKPOINTS = "/v1/modules/scaicore/checkpoints"
SCOPES = "/v1/modules/scaiqueue/scopes"
ASK = step("node_ask", checkpoint={"type": "approval", "prompt": "Pay?", "options": ["yes", "no"]})


def call(node_id: str, name: str, **args: Any) -> dict[str, Any]:
    alias, method = name.split(".")
    return step(node_id, plugin_call={"alias": alias, "method": method, "args": args})


def queue(client: SandboxClient, scope: str, slug: str = "q", **more: object) -> str:
    scope_id = client.post(SCOPES, {"slug": scope}).data["id"]
    return f"{SCOPES}/{scope_id}/queues/{client.post(f'{SCOPES}/{scope_id}/queues', {'slug': slug, **more}).data['id']}"


def resolve(client: SandboxClient, checkpoint_id: str, **body: Any) -> Answer:
    return client.post(f"{CHECKPOINTS}/{checkpoint_id}/resolve", body)
