"""From blocks to the manifest's steps, as plain data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows.compiler import actions
from flows.compiler.actions import Map
from flows.compiler.checks import is_otherwise
from flows.compiler.document import Edge, Flow, Node
from flows.compiler.kinds.logic import BODY_PORT
from flows.compiler.kinds.queues import SCOPE
from flows.compiler.structure import Block


def lowered(flow: Flow, node: Node) -> actions.Action:
    """The node's action, a queue's scope inherited from the flow."""
    settings = node.kind.settings(node.config)
    if SCOPE in node.kind.fields and not settings["scope"]:
        settings["scope"] = flow.scope
    return node.kind.lower(settings)


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
        if block.node.has_breakpoint:
            steps.append({"checkpoint": {"type": "debug_breakpoint", "node_id": block.node.id}})
        step = _body(flow, block)
        steps.append({**step, "bind": block.node.id, "meta": meta_of(block.node)})
        behind = [(edge, inner) for edge, inner in block.branches if edge.source_port != BODY_PORT]
        if behind and "match" not in step and "parallel" not in step:
            steps.append({"match": _match(flow, behind, None)})
    return steps


def _body(flow: Flow, block: Block) -> Map:
    match lowered(flow, block.node):
        case actions.Match(subject):
            return {"match": _match(flow, block.branches, subject)}
        case actions.Fork(max_concurrent, fail_fast):
            branches = [{"steps": steps_of(flow, inner)} for _, inner in block.branches]
            return {"parallel": {"branches": branches, "max_concurrent": max_concurrent, "fail_fast": fail_fast}}
        case actions.Foreach(items, item_var):
            return {"foreach": {"items": items, "item_var": item_var, "steps": _loop_body(flow, block)}}
        case actions.While(condition, limit):
            return {"while": {"condition": condition, "max_iterations": limit, "steps": _loop_body(flow, block)}}
        case action:
            return _PLAIN[type(action)](action)


def _loop_body(flow: Flow, block: Block) -> list[Map]:
    return [step for edge, inner in block.branches if edge.source_port == BODY_PORT for step in steps_of(flow, inner)]


def _match(flow: Flow, branches: list[tuple[Edge, list[Block]]], subject: str | None) -> Map:
    cases = [
        {"when": edge.condition, "steps": steps_of(flow, inner)} for edge, inner in branches if not is_otherwise(edge)
    ]
    otherwise = [steps_of(flow, inner) for edge, inner in branches if is_otherwise(edge)]
    return actions.given({"subject": subject, "cases": cases, "else": otherwise[0] if otherwise else None})


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
