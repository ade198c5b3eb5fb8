"""Pass 2c: what keeps a drawing from having one right order, and what no run can come to. Each place by itself."""

from __future__ import annotations

from flows.compiler.control import Control, Way, is_loop
from flows.compiler.diagnostics import Report
from flows.compiler.document import Node
from flows.compiler.meetings import Meetings


def check_order(control: Control, meetings: Meetings, report: Report) -> None:
    """Adds the findings, in no order of its own. Where the branches of a parallel meet is not asked where they come to a
    cycle: that has to go first."""
    _entries(control, report)
    for way in control.cycles():
        report.add("cycle", f"cycle detected: {' -> '.join(way)}", control.flow.by_id[way[0]].path, node=way[0])
    for edge, loop in control.strays():
        message = (
            f"edge '{edge.id}': '{edge.target}' is reached from inside the body of loop '{loop}' and not only from there: "
            f"lead the body back to '{loop}' and go on from its out_done"
        )
        report.add("unstructured", message, edge.path, edge=edge.id)
    for node in control.flow.by_id.values():
        _leaving(control, node, control.ways[node.id], report)
        _meeting(control, meetings, node, report)
        if is_loop(node):
            _leaving(control, node, control.bodies[node.id], report)


def _entries(control: Control, report: Report) -> None:
    if not control.entries:
        if not control.flow.has_broken_entry:
            report.add("no_entry", "flow has no entry-point node", ("nodes",))
        return
    for node in control.flow.by_id.values():
        if not control.is_reached(node.id):
            message = f"node '{node.id}' cannot be reached from an entry and is left out"
            report.add("unreachable", message, node.path, node=node.id)
    first = control.entries[0]
    for entry in control.entries[1:]:
        if _starts(control, entry) != _starts(control, first):
            message = (
                f"entry '{entry.id}' leads elsewhere than '{first.id}': the same steps run whichever entry starts a run, "
                "so let both lead to the same node"
            )
            report.add("unstructured", message, entry.path, node=entry.id)


def _starts(control: Control, entry: Node) -> list[tuple[str, str | None]]:
    return [(way.to, way.condition) for way in control.ways[entry.id]]


def _leaving(control: Control, node: Node, ways: list[Way], report: Report) -> None:
    """The ways that leave a node together: side by side only from a parallel, and one else where there are conditions."""
    if node.kind.name == "logic_parallel":
        for way in ways:
            if way.condition is not None:
                message = f"edge '{way.edge.id}': all branches of a parallel run: put the condition into a decision"
                report.add("unstructured", message, way.edge.path, edge=way.edge.id)
        return
    plain = [way for way in ways if way.condition is None]
    others = [way for way in plain if way.to != plain[0].to]
    if node.kind.name == "logic_decision" or len(plain) < len(ways):
        for way in others:
            message = f"edge '{way.edge.id}': '{node.id}' has more than one else"
            report.add("missing_condition", message, (*way.edge.path, "condition"), edge=way.edge.id)
        if ways and not plain:
            what = "decision" if node.kind.name == "logic_decision" else "node"
            then = "the flow goes on at the join" if len({way.to for way in ways}) > 1 else "its branch ends"
            message = f"{what} '{node.id}' has no else: when no condition holds {then}"
            report.add("else_missing", message, node.path, node=node.id)
    elif others and control.is_reached(node.id):
        message = f"node '{node.id}' has several edges that leave it at once: put a parallel or a decision behind it"
        report.add("unstructured", message, node.path, node=node.id)


def _meeting(control: Control, meetings: Meetings, node: Node, report: Report) -> None:
    if node.kind.name != "logic_parallel" or not control.is_reached(node.id) or control.comes_to_cycle(node.id):
        return
    problem = meetings.problem(node)
    if problem:
        report.add("unstructured", problem, node.path, node=node.id)
