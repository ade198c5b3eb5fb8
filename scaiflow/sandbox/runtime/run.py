"""One run: its names, its journal, its limits, its output, and the walk over a list of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scaiflow.sandbox.runtime.errors import LimitExceeded, RuntimeFailure
from scaiflow.sandbox.runtime.expressions.evaluator import evaluate
from scaiflow.sandbox.runtime.expressions.templates import render
from scaiflow.sandbox.runtime.journal import Journal
from scaiflow.sandbox.runtime.program import Program, Step, node_of, verb_of
from scaiflow.sandbox.runtime.scope import Scope
from scaiflow.sandbox.runtime.services import Limits, Services

NOTHING = object()  # the result of steps that have none (`match`, `parallel`)


class Suspended(Exception):
    """The run waits; `checkpoint` is what it answers as `output.checkpoint`."""

    def __init__(self, checkpoint: dict[str, Any]) -> None:
        super().__init__(checkpoint["id"])
        self.checkpoint = checkpoint


class Meter:
    """What a run has used of its limits, together with all the Cores that it calls."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._taken, self._started = limits, 0, limits.clock()

    def tick(self) -> None:
        """One more step. Raises LimitExceeded."""
        self._taken += 1
        if self._taken > self._limits.steps:
            raise LimitExceeded(f"the run took more than {self._limits.steps} steps")
        if self._limits.clock() - self._started > self._limits.seconds:
            raise LimitExceeded(f"the run took longer than {self._limits.seconds:g} seconds")


class Run:
    """The state of one walk over a program. `verbs` says what executes a step, `caller` is the run around this one."""

    def __init__(
        self,
        program: Program,
        input: Any,
        services: Services,
        journal: Journal,
        verbs: Mapping[str, Callable[[Run, Step, str], Any]],
        caller: Run | None = None,
    ) -> None:
        self.program, self.services, self.journal, self.verbs = program, services, journal, verbs
        self.depth: int = caller.depth + 1 if caller else 0
        self.meter: Meter = caller.meter if caller else Meter(services.limits)
        binds = tuple(trigger["bind"] for trigger in program.triggers if isinstance(trigger.get("bind"), str))
        self.scope = Scope(input, program.variables(), binds)
        self.failed_node: str | None = None
        self._merged: dict[str, Any] = {}

    def output(self) -> dict[str, Any]:
        """All results that were objects, laid over one another, then the variables."""
        return {**self._merged, **self.scope.variables}

    def evaluate(self, source: Any) -> Any:
        """An expression's value; what is not text is taken as it is."""
        return evaluate(source, self.scope.lookup) if isinstance(source, str) else source

    def render(self, value: Any) -> Any:
        return render(value, self.scope.lookup)

    def bound(self, bindings: Any) -> dict[str, Any]:
        """The values of `{name: expression}`."""
        return {str(name): self.evaluate(source) for name, source in (bindings or {}).items()}

    def steps(self, steps: list[Step], place: str) -> Any:
        """Execute a list; the last result of it, None without any."""
        last = None
        for index, step in enumerate(steps):
            result = self._step(step, f"{place}[{index}]")
            last = last if result is NOTHING else result
        return last

    def _step(self, step: Step, place: str) -> Any:
        self.meter.tick()
        verb = str(verb_of(step))
        self._event(step, place, "entered", {})
        try:
            result = self.verbs[verb](self, step, place)
        except RuntimeFailure as failure:
            self.failed_node = self.failed_node or node_of(step)["node_id"]
            self._event(step, place, "failed", {"error": str(failure)})
            raise
        if result is not NOTHING:
            self.scope.record(step.get("bind"), result)
            self._merged.update(result if isinstance(result, dict) else {})
        self._event(step, place, "exited", {} if result is NOTHING else {"result": result})
        return result

    def _event(self, step: Step, place: str, what: str, more: dict[str, Any]) -> None:
        """Each block's event once, however often the walk passes it again after a checkpoint."""
        if self.journal.first(f"{place}!{what}"):
            block = {**node_of(step), "block": verb_of(step), "path": self.journal.where(place)}
            self.services.host.emit(f"block.{what}", {**block, **more})
