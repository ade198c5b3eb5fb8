"""Walks a program. One Run is one invocation, or its continuation with the journal of the first part."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scaiflow.sandbox.runtime import blocks, control, waiting
from scaiflow.sandbox.runtime.errors import RuntimeFailure
from scaiflow.sandbox.runtime.journal import Journal
from scaiflow.sandbox.runtime.program import Program, Step
from scaiflow.sandbox.runtime.run import Run, Suspended
from scaiflow.sandbox.runtime.services import Services

STACK = 5_000


@dataclass
class Outcome:
    """How a run ended: `status` completed, suspended or failed; `journal` is what a suspended one is resumed with."""

    status: str
    output: dict[str, Any]
    journal: Journal
    checkpoint: dict[str, Any] | None = None
    error: str | None = None
    failed_node: str | None = None
    result: Any = field(default=None, repr=False)

    def answer(self, execution_id: str) -> dict[str, Any]:
        """The answer of an invocation."""
        body: dict[str, Any] = {"output": self.output, "execution_id": execution_id}
        if self.checkpoint is not None:
            body["output"] = {**self.output, "checkpoint": self.checkpoint}
            body["status"] = "suspended"
        return body


def execute(program: Program, input: Any, services: Services, journal: Journal | None = None) -> Outcome:
    """Run a verified program to its end, its first checkpoint or its failure; nothing is raised but bugs."""
    # Nested steps are walked by recursion, as deep as the verifier lets them nest.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), STACK))
    run = Run(program, input, services, journal or Journal(), VERBS)
    try:
        run.steps(program.steps, "steps")
    except Suspended as suspended:
        return Outcome("suspended", run.output(), run.journal, checkpoint=suspended.checkpoint)
    except RuntimeFailure as failure:
        return Outcome("failed", run.output(), run.journal, error=str(failure), failed_node=run.failed_node)
    except RecursionError:
        return Outcome("failed", {}, run.journal, error="a value is nested too deep", failed_node=run.failed_node)
    return Outcome("completed", run.output(), run.journal)


VERBS: dict[str, Callable[[Run, Step, str], Any]] = {
    "rigid": blocks.rigid,
    "llm_turn": blocks.llm_turn,
    "plugin_call": blocks.plugin_call,
    "set": blocks.assign,
    "match": control.match,
    "foreach": control.foreach,
    "while": control.loop,
    "parallel": control.parallel,
    "try": control.attempt,
    "checkpoint": waiting.checkpoint,
    "await_responses": waiting.await_responses,
    "core_call": waiting.core_call,
}
