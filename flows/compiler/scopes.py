"""What a name can mean at a place of the flow (docs/manifest.md, "Where a name comes from").

A name may always be a field of the input, and of that the compiler knows only what the flow itself shows: the inputs of its
tests, and that nothing comes in where all entries are schedules. It speaks up where it can be sure, and else is silent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flows.compiler import actions
from flows.compiler.control import Control
from flows.compiler.document import maps_of
from flows.compiler.kinds.logic import INDEX
from flows.compiler.plugins import SIGNATURES
from flows.compiler.steps import lowered

NODE_PREFIX = "node_"
"""How the canvas names nodes: a name like this is meant to be one."""


@dataclass(frozen=True)
class Place:
    """Where an expression stands: the nodes that can have run, the loops around it, and whether it is a `when`."""

    earlier: int
    loops: tuple[str, ...]
    subject: str | None = None
    is_when: bool = False


class Scopes:
    """The names of one flow. `broken` are the nodes with errors: of their results nothing is known."""

    def __init__(self, control: Control, broken: set[str]) -> None:
        self.control = control
        flow = control.flow
        self.variables = {str(each["name"]) for _, each in flow.variables}
        self.loop_names: dict[str, set[str]] = {}
        self.results: dict[str, frozenset[str] | None] = {}
        self._giving: dict[str, int] = {}
        self._unclear = 0
        for node in flow.by_id.values():
            action = None if node.id in broken else lowered(flow, node)
            self.loop_names[node.id] = _loop_names(action)
            if isinstance(action, actions.Assign):
                self.variables |= action.assignments.keys()
            fields = self.results[node.id] = result_of(action)
            if fields is None and not node.kind.is_entry:
                self._unclear |= control.bit(node.id)
            for name in fields or ():
                self._giving[name] = self._giving.get(name, 0) | control.bit(node.id)
        self._inputs = _inputs(control)

    def problem(self, name: str, field: str, place: Place) -> str | None:
        """What is wrong with reading `name` (or `name.field`) here, as the end of a sentence; None when it may be right."""
        if name == "input" or name in self.variables or self._is_loops_own(name, place):
            return None
        if name in self.results:
            return self._result_problem(name, field, place)
        if place.is_when and (name == "subject" or place.subject):
            return None
        if place.earlier & (self._giving.get(name, 0) | self._unclear) or name in (self._inputs or ()):
            return None
        if self._inputs is None and not self._belongs_elsewhere(name):
            return None
        return f"reads '{name}', which nothing gives it here"

    def _result_problem(self, name: str, field: str, place: Place) -> str | None:
        if not place.earlier & self.control.bit(name):
            return f"reads '{name}', which does not run before it"
        fields = self.results[name]
        if field and fields is not None and field not in fields:
            told = f"answers {', '.join(sorted(fields))} only" if fields else "answers nothing"
            return f"reads '{name}.{field}', but '{name}' {told}"
        return None

    def _is_loops_own(self, name: str, place: Place) -> bool:
        return any(name in self.loop_names[loop] for loop in place.loops)

    def _belongs_elsewhere(self, name: str) -> bool:
        """Names that are meant for something that is not here: a node, a loop around, a decision's subject."""
        in_some_loop = any(name in names for names in self.loop_names.values())
        return name.startswith(NODE_PREFIX) or in_some_loop or name in (INDEX, "subject")


def result_of(action: actions.Action | None) -> frozenset[str] | None:
    """The fields of what a step answers; None where that is known to the run alone."""
    return _RESULTS[type(action)](action) if type(action) in _RESULTS else None


def _call_result(call: actions.Call) -> frozenset[str] | None:
    signature = SIGNATURES.get(f"{call.alias}.{call.method}")
    return frozenset(signature.result) if signature else None


_RESULTS: dict[type, Callable[[Any], frozenset[str] | None]] = {
    actions.Render: lambda _: frozenset({"text"}),
    actions.Turn: lambda turn: frozenset(turn.options.get("output_schema") or {"text"}),
    actions.Call: _call_result,
    actions.Assign: lambda action: frozenset(action.assignments),
    actions.Foreach: lambda _: frozenset({"items"}),
    actions.While: lambda _: frozenset({"iterations"}),
    actions.Await: lambda _: frozenset({"messages", "count"}),
    actions.Match: lambda _: frozenset(),
    actions.Fork: lambda _: frozenset(),
}


def _loop_names(action: actions.Action | None) -> set[str]:
    match action:
        case actions.Foreach(_, item_var):
            return {item_var, INDEX}
        case actions.While():
            return {INDEX}
    return set()


def _inputs(control: Control) -> set[str] | None:
    """The fields that an input can have, as far as the flow shows them; None when it does not."""
    if control.entries and all(entry.kind.name == "entry_schedule" for entry in control.entries):
        return set()
    given = [test.get("input") for _, test in maps_of(control.flow.raw.get("tests"))]
    if not given or not all(isinstance(each, dict) for each in given):
        return None
    return {name for each in given if isinstance(each, dict) for name in each}
