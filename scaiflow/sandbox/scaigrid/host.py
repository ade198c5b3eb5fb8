"""The world as a run sees it: this sandbox's events, queues, checkpoints and other Cores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from scaiflow.sandbox.clock import iso, seconds_of
from scaiflow.sandbox.people import TENANT_SLUGS
from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.runtime.program import Program
from scaiflow.sandbox.runtime.verifier import load
from scaiflow.sandbox.scaiqueue import queues
from scaiflow.sandbox.state import Sandbox
from scaiflow.sandbox.store import Document

program_of = lru_cache(maxsize=64)(load)

Start = Callable[[Document, Any], str]


@dataclass(frozen=True)
class RunHost:
    """The Host of one Core's part of a run. `start` begins another run and returns its id."""

    sandbox: Sandbox
    core_document: Document
    execution_id: str
    begin: Start

    def emit(self, type: str, payload: dict[str, Any]) -> None:
        """Keep one of the six event types."""
        id = self.sandbox.ids.new("evt")
        body = {
            "id": id,
            "type": f"scaicore.runtime.{type}",
            "core_id": self.core_document.id,
            "timestamp": iso(self.sandbox.clock.now()),
            "payload": {"execution_id": self.execution_id, **payload},
        }
        self.sandbox.store.add("event", id, body, tenant=self.core_document.tenant, ref=self.core_document.id)

    def consume(self, scope: str, queue: str, limit: int) -> list[Any]:
        found = queues.queue_for(self.sandbox, self.core_document.tenant, scope, queue)
        if found is None:
            raise StepFailed(f"await_responses: there is no queue {queue!r} in scope {scope!r}")
        return queues.consume(self.sandbox, found, self.core_document.id, limit)

    def open_checkpoint(self, path: str, checkpoint: dict[str, Any]) -> str:
        """A pending checkpoint; a review is put on its queue too, so that people find it there."""
        id, now = self.sandbox.ids.new("chk"), self.sandbox.clock.now()
        seconds = seconds_of(checkpoint.get("timeout"))
        body = {
            "id": id,
            "core_id": self.core_document.id,
            "execution_id": self.execution_id,
            "status": "pending",
            "created_at": iso(now),
            "expires_at": iso(now + timedelta(seconds=seconds)) if seconds else None,
            "resolution": None,
            "path": path,
            **checkpoint,
        }
        if checkpoint["type"] == "hitl_review":
            body["message_id"] = self._announce(id, checkpoint)
        with self.sandbox.store.transaction():
            self.sandbox.store.add("checkpoint", id, body, tenant=self.core_document.tenant, ref=self.core_document.id)
            awaits = checkpoint["type"] == "await_responses"
            short = {"expires_at": body["expires_at"], "awaits": awaits}
            self.sandbox.store.add("pending", id, short, ref=self.execution_id)
        return id

    def _announce(self, id: str, checkpoint: dict[str, Any]) -> str:
        scope, slug = str(checkpoint["scope"]), str(checkpoint["queue"])
        queue = queues.queue_for(self.sandbox, self.core_document.tenant, scope, slug)
        if queue is None:
            raise StepFailed(f"hitl_review: there is no queue {slug!r} in scope {scope!r}")
        shown = {
            name: checkpoint.get(name) for name in ("prompt", "options", "hitl_spec", "assignee", "context", "input")
        }
        message = {
            "message_type": "hitl_review",
            "payload": shown,
            "priority": checkpoint.get("priority"),
            "checkpoint_id": id,
            "execution_id": self.execution_id,
        }
        return str(queues.publish(self.sandbox, queue, message)["id"])

    def manifest(self, target: str, version: str | None) -> str:
        """Always as it is deployed now: the sandbox keeps no older ones."""
        return str(core_at(self.sandbox, self.core_document.tenant, target).body["manifest"])

    def inside(self, target: str, manifest: str) -> tuple[Program, RunHost]:
        document = core_at(self.sandbox, self.core_document.tenant, target)
        return program_of(manifest), RunHost(self.sandbox, document, self.execution_id, self.begin)

    def start(self, target: str, version: str | None, input: dict[str, Any]) -> str:
        return self.begin(core_at(self.sandbox, self.core_document.tenant, target), input)


def core_at(sandbox: Sandbox, tenant_id: str, target: str) -> Document:
    """The tenant's Core behind `core://{tenant_slug}/{slug}`. Raises StepFailed when there is none."""
    tenant, _, slug = target.removeprefix("core://").partition("/")
    if tenant not in (tenant_id, TENANT_SLUGS.get(tenant_id)):
        raise StepFailed(f"there is no Core at {target}")
    claimed = sandbox.store.get("core_slug", f"{tenant_id}/{slug}")
    document = claimed and sandbox.store.get("core", claimed.body["id"])
    if document is None:
        raise StepFailed(f"there is no Core at {target}")
    return document
