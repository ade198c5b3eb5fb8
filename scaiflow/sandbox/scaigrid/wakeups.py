"""What makes suspended runs go on without anybody's decision: messages that arrive, and time that runs out."""

from __future__ import annotations

from typing import Any

from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.runtime.waiting import EXPIRED
from scaiflow.sandbox.scaigrid import executions
from scaiflow.sandbox.scaigrid.schedules import run_due
from scaiflow.sandbox.scaiqueue import queues
from scaiflow.sandbox.state import Sandbox
from scaiflow.sandbox.store import Document

_FAILS = ("", "fail", "error")


def sweep(sandbox: Sandbox) -> int:
    """Go on with every run whose wait is over; returns how many did. Those may wake others, so look until none is."""
    woken = 0
    while now := sum(_wake(sandbox, row) for row in _candidates(sandbox)):
        woken += now
    return woken


def pass_time(sandbox: Sandbox) -> int:
    """What the clock brings: scheduled runs, then waits that are over; returns how many runs went on or began."""
    return run_due(sandbox) + sweep(sandbox)


def pending(sandbox: Sandbox) -> list[Document]:
    """The open checkpoints of all tenants."""
    return _opened(sandbox, sandbox.store.find("pending"))


def _candidates(sandbox: Sandbox) -> list[Document]:
    """Those that may go on by themselves. Every call looks for them: hence the short list beside the checkpoints."""
    now = iso(sandbox.clock.now())
    rows = sandbox.store.find("pending")
    return _opened(sandbox, [row for row in rows if row.body["awaits"] or (row.body["expires_at"] or "~") <= now])


def _opened(sandbox: Sandbox, rows: list[Document]) -> list[Document]:
    found = [sandbox.store.get("checkpoint", row.id) for row in rows]
    return [row for row in found if row]


def settle(sandbox: Sandbox, checkpoint: Document, status: str, resolution: Any) -> executions.Execution | None:
    """Close a checkpoint that is still pending and go on with its run; None when somebody else was first."""
    with sandbox.resuming:
        with sandbox.store.transaction():
            claimed = _close(sandbox, checkpoint.id, status, resolution)
        return executions.go_on(sandbox, claimed) if claimed else None


def _close(sandbox: Sandbox, checkpoint_id: str, status: str, resolution: Any) -> executions.Claimed | None:
    """The checkpoint, its place on the lists and the answer in its run's journal, all or nothing."""
    found = sandbox.store.get("checkpoint", checkpoint_id)
    if found is None or found.body["status"] != "pending":
        return None
    claimed = executions.claim(sandbox, found.body["execution_id"], found.body["path"], resolution)
    if claimed is None:
        return None
    body = {**found.body, "status": status, "resolution": resolution, "resolved_at": iso(sandbox.clock.now())}
    sandbox.store.put("checkpoint", found.id, body, tenant=found.tenant, ref=found.ref)
    sandbox.store.delete("pending", found.id)
    sandbox.store.delete("message", body.get("message_id", ""))
    return claimed


def _wake(sandbox: Sandbox, checkpoint: Document) -> bool:
    """Go on with the run if its wait is over. Messages leave their queue only together with the wait for them."""
    with sandbox.resuming:
        with sandbox.store.transaction():
            claimed = _over(sandbox, checkpoint)
        if claimed:
            executions.go_on(sandbox, claimed)
    return claimed is not None


def _over(sandbox: Sandbox, checkpoint: Document) -> executions.Claimed | None:
    body = checkpoint.body
    if sandbox.store.get("pending", checkpoint.id) is None:
        return None
    if body["expires_at"] and body["expires_at"] <= iso(sandbox.clock.now()):
        return _close(sandbox, checkpoint.id, "expired", _late(body))
    if body["type"] != "await_responses":
        return None
    queue = queues.queue_for(sandbox, checkpoint.tenant, body["scope"], body["queue"])
    messages = queues.consume(sandbox, queue, checkpoint.ref, body["max_messages"]) if queue else []
    answer = {"messages": messages, "count": len(messages)}
    return _close(sandbox, checkpoint.id, "resolved", answer) if messages else None


def _late(body: dict[str, Any]) -> dict[str, Any]:
    """What a step answers whose time ran out: nothing for a queue, `on_timeout` as the decision, else failure."""
    if body["type"] == "await_responses":
        return {"messages": [], "count": 0}
    wanted = body.get("on_timeout") or ""
    if isinstance(wanted, dict):
        return {**wanted, "timed_out": True}
    return {EXPIRED: True} if wanted in _FAILS else {"decision": wanted, "timed_out": True}
