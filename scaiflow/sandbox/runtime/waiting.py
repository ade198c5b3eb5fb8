"""The steps that wait for somebody else: `checkpoint`, `await_responses`, `core_call`."""

from __future__ import annotations

from typing import Any

from scaiflow.sandbox.runtime.errors import LimitExceeded, RuntimeFailure, StepFailed
from scaiflow.sandbox.runtime.expressions.values import text_of
from scaiflow.sandbox.runtime.program import Step, node_of
from scaiflow.sandbox.runtime.run import NOTHING, Run, Suspended
from scaiflow.sandbox.runtime.services import Services

EXPIRED = "$expired"  # what the journal holds instead of a decision when nobody decided in time
_KEPT = ("type", "options", "timeout", "on_timeout", "scope", "queue", "hitl_spec", "assignee", "priority")


def checkpoint(run: Run, step: Step, place: str) -> Any:
    """The decision. Until the journal has it (whoever resolves the checkpoint writes it there) the run waits.

    A breakpoint has no result: it must not change what the steps behind it see.
    """
    inner = step["checkpoint"]
    if run.journal.knows(place):
        decision = run.journal.once(place, dict)
        if EXPIRED in decision:
            raise StepFailed(f"checkpoint expired: nobody decided within {inner.get('timeout')}")
        return NOTHING if inner["type"] == "debug_breakpoint" else decision
    fields = {name: inner.get(name) for name in _KEPT}
    fields |= {name: run.render(inner.get(name)) for name in ("hitl_spec", "assignee")}
    fields["prompt"] = text_of(run.render(inner.get("prompt"))) or None
    raise _waiting(run, step, place, fields)


def _waiting(run: Run, step: Step, place: str, fields: dict[str, Any]) -> Suspended:
    """Opens the checkpoint, once; the exception that suspends the run."""
    where = run.journal.where(place)
    node_id = node_of(step)["node_id"] or step.get("checkpoint", {}).get("node_id")
    body = {**fields, "node_id": node_id, "context": run.output(), "input": run.scope.input}
    id = run.journal.once(f"{place}?", lambda: run.services.host.open_checkpoint(where, body))
    shown = {"id": id, "node_id": node_id, **{name: fields.get(name) for name in ("type", "prompt", "queue")}}
    return Suspended(shown)


def await_responses(run: Run, step: Step, place: str) -> dict[str, Any]:
    """Messages off a queue. An empty queue is waited for when the step has a timeout, else the answer is empty."""
    inner = step["await_responses"]
    scope, queue, most = inner["scope"], inner["queue"], inner.get("max_messages") or 1

    if run.journal.knows(place):
        return run.journal.once(place, dict)  # type: ignore[no-any-return]
    # A step that waits already is woken from outside, also while the run goes on in another branch.
    messages = [] if run.journal.knows(f"{place}?") else run.services.host.consume(scope, queue, most)
    if not messages and inner.get("timeout"):
        kept = {name: inner.get(name) for name in ("scope", "queue", "timeout")}
        raise _waiting(run, step, place, {"type": "await_responses", "max_messages": most, **kept})
    return run.journal.once(place, lambda: {"messages": messages, "count": len(messages)})  # type: ignore[no-any-return]


def core_call(run: Run, step: Step, place: str) -> Any:
    """Another Core's output; a Core that waits makes its caller wait, one that fails fails its caller."""
    inner = step["core_call"]
    target, version = inner["target"], inner.get("version")
    bindings = inner.get("input_bindings")
    input = run.journal.once(f"{place}?", lambda: run.bound(bindings) if bindings else run.scope.input)
    if inner.get("is_async"):
        return run.journal.once(place, lambda: {"execution_id": run.services.host.start(target, version, input)})
    if run.depth >= run.services.limits.depth:
        raise LimitExceeded(f"Cores call one another more than {run.services.limits.depth} deep")
    # A run that waits in a Core goes on in it as it was, whatever has been deployed to it since.
    manifest = run.journal.shared(f"{target}@{version}", lambda: run.services.host.manifest(target, version))
    program, host = run.services.host.inside(target, manifest)
    services = Services(run.services.model, run.services.plugins, host, run.services.limits)
    callee = Run(program, input, services, run.journal.inside(place), run.verbs, run)
    return _told(callee, target)


def _told(callee: Run, target: str) -> dict[str, Any]:
    """The called Core's run, with the events of an invocation around its blocks, each once."""
    _tell(callee, "started", {"input": callee.scope.input, "trigger": "core_call"})
    try:
        callee.steps(callee.program.steps, "steps")
    except RuntimeFailure as failure:
        _tell(callee, "failed", {"error": str(failure), "node_id": callee.failed_node})
        if isinstance(failure, LimitExceeded):
            raise
        raise StepFailed(f"{target} failed: {failure}") from failure
    _tell(callee, "completed", {"output": callee.output()})
    return callee.output()


def _tell(callee: Run, what: str, payload: dict[str, Any]) -> None:
    if callee.journal.first(f"!{what}"):
        callee.services.host.emit(f"invocation.{what}", payload)
