"""From blocks to the manifest's steps, as plain data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows.compiler import actions
from flows.compiler.actions import Map
from flows.compiler.document import Flow, Node
from flows.compiler.structure import Block, Choice


def lowered(flow: Flow, node: Node) -> actions.Action:
    """The node's action, a queue's scope inherited from the flow. Made once for each node."""
    if node.index not in flow.actions:
        settings = node.kind.settings(node.config)
        if node.kind.takes_scope and not settings["scope"]:
            settings["scope"] = flow.scope
        flow.actions[node.index] = node.kind.lower(settings)
    action: actions.Action = flow.actions[node.index]
    return action


def meta_of(node: Node) -> Map:
    raw = node.raw
    known = {
        "index": node.index, "node_id": node.id, "node_kind": node.kind.name, "node_label": node.label,
        "node_config": raw.get("config"), "position": raw.get("position"), "inputs": raw.get("inputs"),
        "outputs": raw.get("outputs"),
    }  # fmt: skip
    rest = {k: v for k, v in raw.items() if k not in {"id", "type", "label", "config", "position", "inputs", "outputs"}}
    given = {name: value for name, value in known.items() if value is not None}
    return {**given, "extra": rest} if rest else given


def trigger_of(flow: Flow, node: Node) -> Map:
    action = lowered(flow, node)
    if not isinstance(action, actions.Trigger):
        raise TypeError(node.kind.name)
    return {"type": action.type, **action.fields, "bind": node.id, "meta": meta_of(node)}


def steps_of(flow: Flow, blocks: list[Block]) -> list[Map]:
    steps: list[Map] = []
    for block in blocks:
        if block.node is None:
            steps.append({"match": _match(flow, block, None)})
            continue
        if block.node.has_breakpoint:
            steps.append(breakpoint_of(block.node))
        steps.append({**_body(flow, block, block.node), "bind": block.node.id, "meta": meta_of(block.node)})
    return steps


def breakpoint_of(node: Node) -> Map:
    return {"checkpoint": {"type": "debug_breakpoint", "node_id": node.id}}


def _body(flow: Flow, block: Block, node: Node) -> Map:
    match lowered(flow, node):
        case actions.Match(subject):
            return {"match": _match(flow, block, subject)}
        case actions.Fork(max_concurrent, fail_fast):
            branches = [{"steps": steps_of(flow, inner)} for inner in block.branches or []]
            return {"parallel": {"branches": branches, "max_concurrent": max_concurrent, "fail_fast": fail_fast}}
        case actions.Foreach(items, item_var):
            return {"foreach": {"items": items, "item_var": item_var, "steps": steps_of(flow, block.body or [])}}
        case actions.While(condition, limit):
            body = steps_of(flow, block.body or [])
            return {"while": {"condition": condition, "max_iterations": limit, "steps": body}}
        case action:
            return _PLAIN[type(action)](action)


def _match(flow: Flow, block: Block, subject: str | None) -> Map:
    choice = block.choice or Choice()
    cases = [{"when": condition, "steps": steps_of(flow, inner)} for condition, inner in choice.cases]
    otherwise = None if choice.otherwise is None else steps_of(flow, choice.otherwise)
    return actions.given({"subject": subject, "cases": cases, "else": otherwise})


def _checkpoint(action: actions.Checkpoint) -> Map:
    spec = {} if action.sections is None else {"hitl_spec": {"sections": action.sections}}
    return {"checkpoint": {"type": action.type, **action.fields, **spec}}


def _turn(action: actions.Turn) -> Map:
    return {"llm_turn": action.goal, **({"guarded": True} if action.guarded else {}), **action.options}


_PLAIN: dict[type, Callable[[Any], Map]] = {
    actions.Render: lambda action: {"rigid": {"template": action.template}},
    actions.Turn: _turn,
    actions.Call: lambda call: {"plugin_call": {"alias": call.alias, "method": call.method, "args": call.args}},
    actions.Assign: lambda action: {"set": action.assignments},
    actions.Checkpoint: _checkpoint,
    actions.Await: lambda action: {"await_responses": action.fields},
    actions.CoreCall: lambda action: {"core_call": action.fields},
}
