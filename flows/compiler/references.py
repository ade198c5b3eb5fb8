"""Pass 2b: every expression and template of the flow is parsed; names that are declared and never read are told of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flows.compiler.control import Control, condition_of
from flows.compiler.diagnostics import Path, Report
from flows.compiler.document import Flow, Node
from flows.compiler.expressions import BadExpression, parse, templates_in
from flows.compiler.fields import Field


def check_references(control: Control, report: Report) -> None:
    flow = control.flow
    read: set[str] = set()
    for node in flow.nodes:
        for each, value in ((each, node.config.get(each.name)) for each in node.kind.fields if each.reads):
            path = (*node.path, "config", each.name)
            for inner, source, is_template in _sources(each, value, path):
                try:
                    read |= _names(source, is_template)
                except BadExpression as error:
                    message = f"node '{node.id}': {each.name} {error}"
                    report.error("bad_config", message, inner, node=node.id)
    _conditions(flow, report, read)
    _unused_variables(flow, report, read)


def _conditions(flow: Flow, report: Report, read: set[str]) -> None:
    for edge in flow.edges:
        if condition_of(edge, flow.by_id.get(edge.source)) is None:
            continue
        try:
            read |= parse(edge.condition or "").names
        except BadExpression as error:
            report.error("bad_config", f"edge '{edge.id}': condition {error}", (*edge.path, "condition"), edge=edge.id)


def _unused_variables(flow: Flow, report: Report, read: set[str]) -> None:
    set_names = {name for node in flow.nodes for name in _assigned(node)}
    for index, variable in flow.variables:
        name = variable["name"]
        if name not in read and name not in set_names:
            report.warning("unused_variable", f"no node reads or sets the variable '{name}'", ("variables", index))


def _assigned(node: Node) -> set[str]:
    if node.kind.name != "data_variable_set":
        return set()
    assignments = node.config.get("assignments")
    return {str(node.config.get("name")), *(assignments if isinstance(assignments, dict) else {})}


def _names(source: str, is_template: bool) -> set[str]:
    if not is_template:
        return parse(source).names
    return {name for inner in templates_in(source) for name in parse(inner).names}


def _sources(field: Field, value: Any, path: Path) -> Iterator[tuple[Path, str, bool]]:
    """The texts of a field that are read, each with its place and whether it is a template."""
    if field.reads in ("expression", "expressions"):
        places = [(path, value)] if field.reads == "expression" else _children(path, value)
        yield from ((place, text, False) for place, text in places if isinstance(text, str) and text.strip())
        return
    waiting = [(path, value)]
    while waiting:
        place, each = waiting.pop()
        if isinstance(each, str):
            yield place, each, True
        else:
            waiting += _children(place, each)


def _children(path: Path, value: Any) -> list[tuple[Path, Any]]:
    if isinstance(value, dict):
        return [((*path, key), inner) for key, inner in value.items()]
    return [((*path, index), inner) for index, inner in enumerate(value)] if isinstance(value, list) else []
