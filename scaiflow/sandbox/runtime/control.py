"""The steps that decide what runs: `match`, `foreach`, `while`, `parallel`, `try`.

What they decided is kept in the journal, so that a resumed run takes the same way even when a variable has changed.
"""

from __future__ import annotations

from typing import Any

from scaiflow.sandbox.runtime.errors import LimitExceeded, RuntimeFailure, StepFailed
from scaiflow.sandbox.runtime.expressions.evaluator import is_true, value_of
from scaiflow.sandbox.runtime.expressions.parser import parse
from scaiflow.sandbox.runtime.expressions.syntax import is_bare_literal
from scaiflow.sandbox.runtime.expressions.values import equal, kind_of
from scaiflow.sandbox.runtime.program import Step
from scaiflow.sandbox.runtime.run import NOTHING, Run, Suspended

_ELSE, _NONE = -1, -2


def match(run: Run, step: Step, place: str) -> object:
    """The first case that holds, else `else`, else nothing."""
    inner = step["match"]
    chosen = run.journal.once(f"{place}?", lambda: _choose(run, inner))
    if chosen >= 0:
        run.steps(inner["cases"][chosen].get("steps") or [], f"{place}.cases[{chosen}]")
    elif chosen == _ELSE:
        run.steps(inner["else"], f"{place}.else")
    return NOTHING


def _choose(run: Run, inner: dict[str, Any]) -> int:
    subject = run.evaluate(inner.get("subject"))
    for index, case in enumerate(inner.get("cases") or []):
        if _holds(run, case["when"], subject):
            return index
    return _ELSE if inner.get("else") is not None else _NONE


def _holds(run: Run, when: Any, subject: Any) -> bool:
    """A bare literal is compared with the subject, a list of them holds it; anything else is a condition."""
    node = parse(when) if isinstance(when, str) else None
    if node is not None and not is_bare_literal(node):
        return is_true(value_of(node, run.scope.deciding(subject)))
    literal = when if node is None else value_of(node, run.scope.lookup)
    if isinstance(literal, list):
        return any(equal(item, subject) for item in literal) or equal(literal, subject)
    return equal(literal, subject)


def foreach(run: Run, step: Step, place: str) -> dict[str, Any]:
    """The body once for each item; null is an empty list."""
    inner = step["foreach"]
    items = run.journal.once(f"{place}?", lambda: _items(run.evaluate(inner["items"])))
    name = str(inner.get("item_var") or "item")
    results = []
    for index, item in enumerate(items):
        with run.scope.looping(**{name: item, "index": index}):
            results.append(run.steps(inner.get("steps") or [], f"{place}.foreach[{index}]"))
    return {"items": results}


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise StepFailed(f"foreach needs a list, not {kind_of(value)}")
    return value


def loop(run: Run, step: Step, place: str) -> dict[str, int]:
    """The body as long as the condition holds, at most `max_iterations` times; then the run goes on behind it."""
    inner, index = step["while"], 0
    while index < inner["max_iterations"]:
        with run.scope.looping(index=index):
            holds = run.journal.once(f"{place}.while[{index}]?", lambda: is_true(run.evaluate(inner["condition"])))
            if not holds:
                break
            run.steps(inner.get("steps") or [], f"{place}.while[{index}]")
        index += 1
    return {"iterations": index}


def parallel(run: Run, step: Step, place: str) -> object:
    """All branches, in their order, one at a time: a run's events and answers never depend on timing.

    A branch that waits does not keep the others from running; the run waits once all have run. With `fail_fast` off, a
    branch that fails ends alone.
    """
    inner = step["parallel"]
    waiting: list[Suspended] = []
    for index, branch in enumerate(inner["branches"]):
        try:
            run.steps(branch.get("steps") or [], f"{place}.branches[{index}]")
        except Suspended as suspended:
            waiting.append(suspended)
        except RuntimeFailure as failure:
            if inner.get("fail_fast", True) or isinstance(failure, LimitExceeded):
                raise
    if waiting:
        raise waiting[0]
    return NOTHING


def attempt(run: Run, step: Step, place: str) -> object:
    """`try`: its steps; when one of them fails, those of `catch`, which read why under the name `error`.

    What a run has used up of its limits stays used up: that cannot be caught.
    """
    inner = step["try"]
    try:
        run.steps(inner["steps"], f"{place}.try")
    except LimitExceeded:
        raise
    except RuntimeFailure as failure:
        run.failed_node = None
        with run.scope.looping(error=str(failure)):
            run.steps(inner.get("catch") or [], f"{place}.catch")
    return NOTHING
