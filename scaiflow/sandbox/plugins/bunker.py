"""`scaibunker`: the run's own bunker. A run that never creates one gets an ephemeral one on first use."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from scaiflow.sandbox.plugins.call import Call
from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.scaibunker import bunkers, commands
from scaiflow.sandbox.store import Document


def create(call: Call) -> dict[str, Any]:
    made = bunkers.create(call.sandbox, call.tenant_id, call.execution_id, call.args)
    return {"bunker_id": made.id, "status": "ready"}


def _bunker(call: Call) -> Document:
    found = bunkers.of_run(call.sandbox, call.tenant_id, call.execution_id)
    return found or bunkers.create(call.sandbox, call.tenant_id, call.execution_id, {})


def execute(call: Call) -> dict[str, Any]:
    """A command that fails is an answer (`exit_code`), not a failure of the run."""
    command, env = call.args.get("command"), call.args.get("env") or {}
    if not isinstance(command, str | list) or not isinstance(env, dict):
        raise StepFailed(f"{call.name}: command must be text or a list")
    root = bunkers.folder(call.sandbox, _bunker(call).id)
    return asdict(commands.run(root, command, {str(name): str(value) for name, value in env.items()}))


def write_file(call: Call) -> dict[str, Any]:
    path, content = call.text("path"), call.text("content")
    if len(content.encode()) > bunkers.MAX_FILE_BYTES:
        raise StepFailed(f"{call.name}: a file is at most {bunkers.MAX_FILE_BYTES} bytes")
    try:
        return {"path": path, "bytes": bunkers.write(call.sandbox, _bunker(call), path, content)}
    except (commands.CommandError, OSError) as error:
        raise StepFailed(f"{call.name}: {error}") from error


def read_file(call: Call) -> dict[str, Any]:
    path = call.text("path")
    done = commands.run(bunkers.folder(call.sandbox, _bunker(call).id), ["cat", path], {})
    if done.exit_code:
        raise StepFailed(f"{call.name}: {done.stderr.strip()}")
    return {"path": path, "content": done.stdout}


def destroy(call: Call) -> dict[str, Any]:
    found = bunkers.of_run(call.sandbox, call.tenant_id, call.execution_id)
    if found:
        bunkers.destroy(call.sandbox, found)
    return {"status": "destroyed"}
