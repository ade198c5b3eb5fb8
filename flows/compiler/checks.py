"""Pass 2: what the nodes, the edges and the sections say that cannot be meant. All findings at once."""

from __future__ import annotations

from collections import Counter

from flows.compiler.diagnostics import Report
from flows.compiler.document import Edge, Flow, Node
from flows.compiler.kinds.llm import role_of


def check(flow: Flow, report: Report) -> None:
    """Everything that one node, one edge or one section shows by itself, and how they are wired."""
    _duplicates(flow, report)
    for node in flow.nodes:
        check_config(flow, node, report)
    for edge in flow.edges:
        check_wiring(flow, edge, report)
    _models(flow, report)
    _unused(flow, report)
    _scope(flow, report)


def _scope(flow: Flow, report: Report) -> None:
    path = ("config", "scaiqueue", "scope")
    if flow.config.get("scaiqueue") and not flow.scope:
        report.add("missing_scope", "config.scaiqueue has no scope to find its queues in", path)
    if flow.scope and "{{" in flow.scope:
        report.add("bad_config", "config.scaiqueue.scope is a name: templates are filled in when a flow runs", path)


def _duplicates(flow: Flow, report: Report) -> None:
    for part, items in (("node", flow.nodes), ("edge", flow.edges)):
        counted = Counter(item.id for item in items)
        seen: set[str] = set()
        for item in items:
            if counted[item.id] > 1 and item.id in seen:
                ids = {"node": item.id if part == "node" else None, "edge": item.id if part == "edge" else None}
                report.add("duplicate_id", f"{part} id '{item.id}' is used more than once", item.path, **ids)
            seen.add(item.id)


def check_config(flow: Flow, node: Node, report: Report) -> None:
    wrong = set()
    for field in node.kind.fields:
        value = node.config.get(field.name)
        path = (*node.path, "config", field.name)
        if field.required and field.default is None and value in (None, [], {}):
            report.add("missing_config", f"node '{node.id}': {field.name} is required", path, node=node.id)
            wrong.add(field.name)
        if value is None:
            continue
        problem = field.problem(value)  # an empty list where a map belongs is a mistake of its own
        if problem:
            report.add("bad_config", f"node '{node.id}': {field.name} {problem}", path, node=node.id)
            wrong.add(field.name)
    _check_whole(flow, node, wrong, report)


def _check_whole(flow: Flow, node: Node, wrong: set[str], report: Report) -> None:
    """What the fields say together. Those that are wrong by themselves are told of already and count as not given."""
    settings = node.kind.settings({name: value for name, value in node.config.items() if name not in wrong})
    for problem in node.kind.check(settings):
        if problem.field in wrong:
            continue
        path = (*node.path, "config", *([problem.field] if problem.field else []))
        literal = problem.code in {"while_without_limit", "missing_plugin_arg"}
        message = problem.message if literal else f"node '{node.id}': {problem.message}"
        report.add(problem.code, message, path, node=node.id)
    if node.kind.takes_scope and "scope" not in wrong and not (settings["scope"] or flow.scope):
        message = f"node '{node.id}': scope is required: set it here or in config.scaiqueue.scope"
        report.add("missing_scope", message, (*node.path, "config", "scope"), node=node.id)


def check_wiring(flow: Flow, edge: Edge, report: Report) -> None:
    ends = (("source", edge.source, edge.source_port, "output"), ("target", edge.target, edge.target_port, "input"))
    for end, node_id, port, way in ends:
        node = flow.by_id.get(node_id)
        path = (*edge.path, end)
        if node is None:
            if node_id not in flow.broken_ids:
                message = f"edge '{edge.id}': {end} node '{node_id}' does not exist"
                report.add("unknown_node", message, (*path, "node"), edge=edge.id)
            continue
        ports = node.inputs if way == "input" else node.outputs
        if way == "input" and not ports:
            port = port or "in"  # nothing leads into an entry
        is_open = way == "output" and node.kind.any_outputs and not node.has_declared_outputs
        if port is not None and not is_open and port not in ports:
            message = f"edge '{edge.id}': {end} node '{node_id}' has no {way} port '{port}'"
            report.add("unknown_port", message, (*path, "port"), edge=edge.id)
    if edge.type == "conditional" and edge.condition is None:
        message = f"edge '{edge.id}': a conditional edge needs a condition"
        report.add("missing_condition", message, (*edge.path, "condition"), edge=edge.id)


def _models(flow: Flow, report: Report) -> None:
    path = ("config", "core_identity", "models")
    roles = [str(model.get("role")) for _, model in flow.models]
    for (index, _), role in zip(flow.models, roles, strict=True):
        if roles.index(role) < [place for place, _ in flow.models].index(index):
            report.add("duplicate_role", f"the model role '{role}' is declared more than once", (*path, index, "role"))
    turns = [node for node in flow.nodes if node.kind.step == "llm_turn"]
    if turns and not roles:
        message = "the flow has model turns but declares no models: add one to config.core_identity.models"
        report.add("no_models", message, path)
    used = set()
    for node in turns:
        role = role_of(node.kind.settings(node.config))
        used.add(role)
        if role not in {*roles, "primary"}:
            message = f"node '{node.id}': llm_role='{role}' is not declared"
            report.add("undeclared_role", message, (*node.path, "config", "llm_role"), node=node.id)
    for (index, _), role in zip(flow.models[1:], roles[1:], strict=True):
        if role not in used:
            report.add("unused_model", f"no node uses the model role '{role}'", (*path, index))


def _unused(flow: Flow, report: Report) -> None:
    used = {(edge.source, edge.source_port) for edge in flow.edges}
    bare = {edge.source for edge in flow.edges if edge.source_port is None}
    last = {node.id for node in flow.nodes} - {edge.source for edge in flow.edges}
    for node in flow.nodes:
        is_told = node.has_declared_outputs or not node.kind.any_outputs
        for port in node.outputs if is_told and node.id not in last | bare else ():
            if (node.id, port) not in used:
                message = f"node '{node.id}' has an unused output port '{port}'"
                report.add("unused_output", message, node.path, node=node.id)
