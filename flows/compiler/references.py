"""Pass 2b: every expression and template of the flow is parsed; names that mean nothing where they stand, and variables that
nobody reads, are told of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flows.compiler.control import Control, condition_of, is_loop
from flows.compiler.diagnostics import Path, Report
from flows.compiler.document import Node
from flows.compiler.expressions import BadExpression, parse, templates_in
from flows.compiler.fields import Field
from flows.compiler.scopes import Place, Scopes

Reads = frozenset[tuple[str, str]]


def check_references(control: Control, report: Report) -> None:
    """Runs behind the other checks of nodes: of nodes with errors it takes less for granted."""
    scopes = Scopes(control, report.broken_nodes) if control.is_acyclic else None
    read: set[str] = set()
    for node in control.flow.nodes:
        read |= _node(control, scopes, node, report)
    read |= _conditions(control, scopes, report)
    _unused_variables(control, report, read)


def _node(control: Control, scopes: Scopes | None, node: Node, report: Report) -> set[str]:
    """The names that the node's config reads."""
    read: set[str] = set()
    has_place = control.flow.by_id[node.id] is node and control.is_reached(node.id)  # a second node of one id has none
    for field in node.kind.fields:
        value = node.config.get(field.name)
        if not field.reads or not value:
            continue
        for path, source, is_template in _sources(field, value, (*node.path, "config", field.name)):
            try:
                reads = _reads(source, is_template)
            except BadExpression as error:
                report.add("bad_config", f"node '{node.id}': {field.name} {error}", path, node=node.id)
                continue
            read |= {name for name, _ in reads}
            if scopes and reads and has_place:
                for problem in _problems(scopes, reads, _place_of(control, node, field)):
                    message = f"node '{node.id}': {field.name} {problem}"
                    report.add("unknown_reference", message, path, node=node.id)
    return read


def _place_of(control: Control, node: Node, field: Field) -> Place:
    """A `while` asks for its condition inside of itself: in front of every iteration."""
    around = tuple(control.loops_around(node.id))
    if is_loop(node) and field.name == "condition":
        return Place(control.inside(node.id), (node.id, *around))
    return Place(control.before(node.id), around)


def _problems(scopes: Scopes, reads: Reads, place: Place) -> Iterator[str]:
    found = (scopes.problem(name, field, place) for name, field in sorted(reads))
    yield from (problem for problem in dict.fromkeys(found) if problem)


def _conditions(control: Control, scopes: Scopes | None, report: Report) -> set[str]:
    read: set[str] = set()
    for edge in control.flow.edges:
        source = control.flow.by_id.get(edge.source)
        condition = condition_of(edge, source)
        if condition is None:
            continue
        path = (*edge.path, "condition")
        try:
            reads = parse(condition).reads
        except BadExpression as error:
            report.add("bad_config", f"edge '{edge.id}': condition {error}", path, edge=edge.id)
            continue
        read |= {name for name, _ in reads}
        if scopes and source and control.is_control(edge) and control.is_reached(source.id):
            around = tuple(control.loops_around(source.id))
            loops = (source.id, *around) if control.is_body(edge) else around
            place = Place(control.behind(edge), loops, source.config.get("subject"), is_when=True)
            for problem in _problems(scopes, reads, place):
                report.add("unknown_reference", f"edge '{edge.id}': condition {problem}", path, edge=edge.id)
    return read


def _unused_variables(control: Control, report: Report, read: set[str]) -> None:
    set_names = {name for node in control.flow.nodes for name in _assigned(node)}
    for index, variable in control.flow.variables:
        name = variable["name"]
        if name not in read and name not in set_names:
            report.add("unused_variable", f"no node reads or sets the variable '{name}'", ("variables", index))


def _assigned(node: Node) -> set[str]:
    if node.kind.name != "data_variable_set":
        return set()
    assignments = node.config.get("assignments")
    return {str(node.config.get("name")), *(assignments if isinstance(assignments, dict) else {})}


def _reads(source: str, is_template: bool) -> Reads:
    if not is_template:
        return parse(source).reads
    return frozenset(read for inner in templates_in(source) for read in parse(inner).reads)


def _sources(field: Field, value: Any, path: Path) -> Iterator[tuple[Path, str, bool]]:
    """The texts of a field that are read, each with its place and whether it is a template; in document order."""
    if field.reads in ("expression", "expressions"):
        places = [(path, value)] if field.reads == "expression" else _children(path, value)
        yield from ((place, text, False) for place, text in places if isinstance(text, str))
        return
    waiting = [(path, value)]
    while waiting:
        place, each = waiting.pop()
        if isinstance(each, str):
            yield place, each, True
        else:
            waiting += reversed(_children(place, each))


def _children(path: Path, value: Any) -> list[tuple[Path, Any]]:
    if isinstance(value, dict):
        return [((*path, key), inner) for key, inner in value.items()]
    return [((*path, index), inner) for index, inner in enumerate(value)] if isinstance(value, list) else []
