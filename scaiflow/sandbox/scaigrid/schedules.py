"""Cores that start by the clock: whenever time has passed, what has come due is run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.runtime.cron import cron_of
from scaiflow.sandbox.runtime.errors import ManifestError
from scaiflow.sandbox.scaigrid import executions
from scaiflow.sandbox.scaigrid.host import program_of
from scaiflow.sandbox.state import Sandbox
from scaiflow.sandbox.store import Document

_MOST_RUNS = 100
_LONGEST_LOOK_BACK = timedelta(days=7)


def run_due(sandbox: Sandbox) -> int:
    """Run every scheduled Core once for each of its times since the last look; returns how many runs there were.

    A week is looked back at most, and a hundred runs of one Core are done at once, the rest the next time.
    """
    with sandbox.resuming:
        return sum(_run_core(sandbox, row.id, row.body["at"]) for row in sandbox.store.find("schedule"))


def plan(sandbox: Sandbox, core_id: str, triggers: list[Any]) -> None:
    """A Core was deployed: look after it from now on if it has a schedule, and no longer if it has none."""
    if "schedule" in triggers:
        sandbox.store.put("schedule", core_id, {"at": iso(sandbox.clock.now())})
    else:
        sandbox.store.delete("schedule", core_id)


def _run_core(sandbox: Sandbox, core_id: str, seen_at: str) -> int:
    core = sandbox.store.get("core", core_id)
    if core is None:
        return 0
    now = sandbox.clock.now()
    since = max(datetime.fromisoformat(seen_at), now - _LONGEST_LOOK_BACK)
    due = sorted(
        (
            (moment, trigger)
            for trigger in _triggers(core)
            for moment in cron_of(trigger).between(since, now, _MOST_RUNS)
        ),
        key=lambda one: one[0],
    )[:_MOST_RUNS]
    for moment, trigger in due:
        input = {"scheduled_at": iso(moment), "cron": trigger["cron"], "timezone": trigger.get("timezone") or "UTC"}
        executions.begin(sandbox, core, input, "schedule")
    looked_until = due[-1][0] if len(due) == _MOST_RUNS else now
    sandbox.store.put("schedule", core.id, {"at": iso(looked_until)})
    return len(due)


def _triggers(core: Document) -> list[dict[str, Any]]:
    """None of a manifest that the verifier would refuse by now: an older sandbox may have let it into the state file."""
    try:
        triggers = program_of(core.body["manifest"]).triggers
    except ManifestError:
        return []
    return [one for one in triggers if one.get("type") == "schedule"]
