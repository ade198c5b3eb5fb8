"""Bunkers: one folder each, under the sandbox's own root; those of a run are found by its execution."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.scaibunker.commands import CommandError, inside
from scaiflow.sandbox.state import Sandbox
from scaiflow.sandbox.store import Document

MAX_FILE_BYTES = 1_048_576
MAX_BUNKER_BYTES = 64 * 1_048_576
_SHAPE = ("cpu_millicores", "memory_mb", "disk_mb", "gpu_count", "network_profile")


def create(sandbox: Sandbox, tenant_id: str, execution_id: str, wanted: dict[str, Any]) -> Document:
    """A ready bunker with an empty folder."""
    id = sandbox.ids.new("bnk")
    body = {
        "bunker_id": id,
        "image_ref": str(wanted.get("image") or "python-3.12"),
        "lifecycle": str(wanted.get("lifecycle") or "ephemeral"),
        "status": "ready",
        "execution_id": execution_id,
        "created_at": iso(sandbox.clock.now()),
        **{name: wanted.get(name) for name in _SHAPE},
    }
    # With a seed, a state file that was begun anew comes to names of which folders may still be there.
    shutil.rmtree(folder(sandbox, id), ignore_errors=True)
    folder(sandbox, id).mkdir(parents=True)
    sandbox.store.add("bunker", id, body, tenant=tenant_id, ref=execution_id)
    return Document(0, id, tenant_id, execution_id, body)


def of_run(sandbox: Sandbox, tenant_id: str, execution_id: str) -> Document | None:
    """The run's bunker: the newest one that is not destroyed."""
    found = sandbox.store.find("bunker", tenant=tenant_id, ref=execution_id, newest_first=True)
    return next((row for row in found if row.body["status"] == "ready"), None)


def destroy(sandbox: Sandbox, bunker: Document) -> None:
    """Remove the folder; the bunker stays listed as destroyed."""
    shutil.rmtree(folder(sandbox, bunker.id), ignore_errors=True)
    sandbox.store.put("bunker", bunker.id, {**bunker.body, "status": "destroyed"}, tenant=bunker.tenant, ref=bunker.ref)


def end_of_run(sandbox: Sandbox, tenant_id: str, execution_id: str) -> None:
    """Ephemeral bunkers do not outlive their run."""
    for bunker in sandbox.store.find("bunker", tenant=tenant_id, ref=execution_id):
        if bunker.body["status"] == "ready" and bunker.body["lifecycle"] == "ephemeral":
            destroy(sandbox, bunker)


def folder(sandbox: Sandbox, id: str) -> Path:
    """Where the bunker's files are."""
    return sandbox.bunkers / id


def write(sandbox: Sandbox, bunker: Document, path: str, content: str) -> int:
    """Write a file, with the folders it needs; returns its bytes. Raises CommandError for a path that leads out."""
    root = folder(sandbox, bunker.id)
    place = inside(root, path)
    if sum(file.stat().st_size for file in root.rglob("*") if file.is_file()) > MAX_BUNKER_BYTES:
        raise CommandError(f"the bunker is full: {MAX_BUNKER_BYTES} bytes")
    place.parent.mkdir(parents=True, exist_ok=True)
    return place.write_bytes(content.encode())
