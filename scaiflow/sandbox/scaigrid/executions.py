"""Runs of Cores: begin, resume, and what is kept of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.plugins.openai import model_for
from scaiflow.sandbox.plugins.registry import RunPlugins
from scaiflow.sandbox.runtime.interpreter import Outcome, execute
from scaiflow.sandbox.runtime.journal import Journal
from scaiflow.sandbox.runtime.services import Limits, Services
from scaiflow.sandbox.scaibunker.bunkers import end_of_run
from scaiflow.sandbox.scaigrid.host import RunHost, program_of
from scaiflow.sandbox.state import Sandbox
from scaiflow.sandbox.store import Document

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Execution:
    """One run, as far as it has come."""

    id: str
    outcome: Outcome

    @property
    def answer(self) -> dict[str, Any]:
        return self.outcome.answer(self.id)


def begin(sandbox: Sandbox, core: Document, input: Any, trigger: str = "api") -> Execution:
    """Run a Core on an input, to its end or its first checkpoint."""
    id = sandbox.ids.new("exec")
    body = {
        "id": id,
        "core_id": core.id,
        "status": "running",
        "trigger": trigger,
        "input": input,
        "manifest": core.body["manifest"],
        "started_at": iso(sandbox.clock.now()),
    }
    sandbox.store.add("execution", id, body, tenant=core.tenant, ref=core.id)
    _host(sandbox, core, id).emit("invocation.started", {"input": input, "trigger": trigger})
    return _walk(sandbox, core, body, Journal())


@dataclass(frozen=True)
class Claimed:
    """A suspended run whose next step has its answer: it counts as running and must be gone on with."""

    core: Document
    body: dict[str, Any]


def claim(sandbox: Sandbox, execution_id: str, path: str, answer: Any) -> Claimed | None:
    """Write a waiting step's answer into its run's journal; None when the run is over or its Core is gone."""
    found = sandbox.store.get("execution", execution_id)
    core = found and sandbox.store.get("core", found.body["core_id"])
    if found is None or core is None or found.body["status"] != "suspended":
        return None
    body = {**found.body, "status": "running", "journal": {**found.body["journal"], path: answer}}
    sandbox.store.put("execution", execution_id, body, tenant=core.tenant, ref=core.id)
    return Claimed(core, body)


def go_on(sandbox: Sandbox, claimed: Claimed) -> Execution:
    """Walk a claimed run on, to its end or its next checkpoint."""
    return _walk(sandbox, claimed.core, claimed.body, Journal(claimed.body["journal"]))


def _host(sandbox: Sandbox, core: Document, execution_id: str) -> RunHost:
    return RunHost(sandbox, core, execution_id, lambda other, input: begin(sandbox, other, input, "core_call").id)


def _walk(sandbox: Sandbox, core: Document, body: dict[str, Any], journal: Journal) -> Execution:
    config, id = sandbox.config, body["id"]
    host = _host(sandbox, core, id)
    services = Services(
        model=model_for(config),
        plugins=RunPlugins(sandbox, core.tenant, core.id, id),
        host=host,
        limits=Limits(config.step_limit, config.time_limit_seconds),
    )
    outcome = _outcome(body, services, journal)
    _keep(sandbox, core, body, outcome)
    if outcome.status == "completed":
        host.emit("invocation.completed", {"output": outcome.output})
    if outcome.status == "failed":
        host.emit("invocation.failed", {"error": outcome.error, "node_id": outcome.failed_node})
    return Execution(id, outcome)


def _outcome(body: dict[str, Any], services: Services, journal: Journal) -> Outcome:
    """How far the run comes. Whatever breaks the sandbox itself ends the run too: one left as running would never end."""
    try:
        # The run goes on with the manifest that it began with, whatever has been deployed since.
        return execute(program_of(body["manifest"]), body["input"], services, journal)
    except Exception as error:  # noqa: BLE001  the guard itself: it must hold for what nobody foresaw, and it logs the trace
        _log.exception("run %s broke the sandbox", body["id"])
        return Outcome("failed", {}, journal, error=f"the sandbox broke: {type(error).__name__}: {error}")


def _keep(sandbox: Sandbox, core: Document, body: dict[str, Any], outcome: Outcome) -> None:
    over = outcome.status != "suspended"
    kept = {
        **body,
        "status": outcome.status,
        "output": outcome.output,
        "error": outcome.error,
        "checkpoint": outcome.checkpoint,
        # A finished run needs no journal any more; a suspended one is nothing without it.
        "journal": None if over else outcome.journal.entries,
        "finished_at": iso(sandbox.clock.now()) if over else None,
    }
    sandbox.store.put("execution", body["id"], kept, tenant=core.tenant, ref=core.id)
    if over:
        _drop_checkpoints(sandbox, body["id"])
        end_of_run(sandbox, core.tenant, body["id"])


def _drop_checkpoints(sandbox: Sandbox, execution_id: str) -> None:
    """A run that is over waits for nobody: another branch may have failed it."""
    for row in sandbox.store.find("pending", ref=execution_id):
        found = sandbox.store.get("checkpoint", row.id)
        if found:
            body = {**found.body, "status": "cancelled"}
            sandbox.store.put("checkpoint", row.id, body, tenant=found.tenant, ref=found.ref)
            sandbox.store.delete("message", body.get("message_id", ""))
        sandbox.store.delete("pending", row.id)


def bury_lost(sandbox: Sandbox) -> None:
    """Runs that were walking when the sandbox was killed end as failed; suspended ones are untouched."""
    for row in sandbox.store.find("execution"):
        core = sandbox.store.get("core", row.ref)
        if row.body["status"] == "running" and core:
            outcome = Outcome("failed", {}, Journal(), error="the sandbox was stopped during the run")
            _keep(sandbox, core, row.body, outcome)
            _host(sandbox, core, row.id).emit("invocation.failed", {"error": outcome.error, "node_id": None})
