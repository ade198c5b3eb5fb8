"""The IR: `b"SCIR"` and one MessagePack map, at most 10 MB. Blocks are of ScaiCore's closed fourteen kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack

from flows.compiler.actions import Map

MAGIC = b"SCIR"
SCHEMA_VERSION = 1
MAX_BYTES = 10 * 1024 * 1024
REVIEW = ("scope", "queue", "hitl_spec")
NOT_FIELDS = ("bind", "meta", "guarded", "llm_turn")


class TooLarge(Exception):
    """The module would be larger than ScaiCore takes."""


def as_ir(manifest: Map) -> bytes:
    """The module of a whole manifest. Raises TooLarge."""
    body = MAGIC + bytes(msgpack.packb(module_of(manifest), use_bin_type=True))
    if len(body) > MAX_BYTES:
        raise TooLarge(f"the IR would be {len(body)} bytes, more than the {MAX_BYTES} that a Core may have")
    return body


def module_of(manifest: Map) -> Map:
    core = manifest["core"]
    (flow,) = core["flows"]
    triggers = [flow["trigger"], *flow.get("extra_triggers", [])]
    return {
        "schema_version": SCHEMA_VERSION,
        "name": core["name"],
        "version": core["scaiflow_meta"].get("source_version") or "",
        "identity": core["identity"],
        "models": core["scaiflow_meta"]["models"],
        "plugins": core["plugins"],
        "capabilities": core["capabilities"],
        "triggers": [_trigger(trigger, flow["name"]) for trigger in triggers],
        "flows": [{"name": flow["name"], "body": _blocks(flow["steps"])}],
    }


def _trigger(trigger: Map, flow: str) -> Map:
    fields = {key: value for key, value in trigger.items() if key not in ("type", "bind", "meta")}
    return {"kind": trigger["type"], "name": trigger["bind"], "target_flow": flow, **fields}


def _blocks(steps: list[Map]) -> list[Map]:
    return [_block(step) for step in steps]


def _block(step: Map) -> Map:
    verb = next(verb for verb in WRITERS if verb in step)
    named = step.get("meta") or step.get("checkpoint") or {}  # a breakpoint has no meta: it is no node of its own
    node_id = named.get("node_id")
    return {**WRITERS[verb](step), "result_binding": step.get("bind"), "source_location": {"node_id": node_id}}


def _turn(step: Map) -> Map:
    kind = "guarded" if step.get("guarded") else "flexible"
    return {"kind": kind, "goal": step["llm_turn"], **{k: v for k, v in step.items() if k not in NOT_FIELDS}}


def _match(step: Map) -> Map:
    inner = step["match"]
    cases = [{"when": case["when"], "body": _blocks(case["steps"])} for case in inner["cases"]]
    otherwise = _blocks(inner["else"]) if "else" in inner else None
    return {"kind": "match", "subject": inner.get("subject"), "cases": cases, "else": otherwise}


def _with_body(verb: str) -> Callable[[Map], Map]:
    def write(step: Map) -> Map:
        fields = {key: value for key, value in step[verb].items() if key != "steps"}
        return {"kind": verb, **fields, "body": _blocks(step[verb]["steps"])}

    return write


def _parallel(step: Map) -> Map:
    inner = step["parallel"]
    branches = [_blocks(branch["steps"]) for branch in inner["branches"]]
    return {"kind": "parallel", **inner, "branches": branches}


def _checkpoint(step: Map) -> Map:
    fields = dict(step["checkpoint"])
    target = {key: fields.pop(key) for key in REVIEW if key in fields}
    block = {"kind": "checkpoint", **fields}
    return {**block, "hitl_target": target} if fields["type"] == "hitl_review" else block


def _statement(kind: str, verb: str) -> Callable[[Map], Map]:
    return lambda step: {"kind": "rigid", "statements": [{"kind": kind, **step[verb]}]}


WRITERS: dict[str, Callable[[Map], Map]] = {
    "rigid": _statement("expression", "rigid"),
    "llm_turn": _turn,
    "plugin_call": _statement("plugin_call", "plugin_call"),
    "set": lambda step: {"kind": "rigid", "assignments": step["set"]},
    "match": _match,
    "foreach": _with_body("foreach"),
    "while": _with_body("while"),
    "parallel": _parallel,
    "checkpoint": _checkpoint,
    "await_responses": lambda step: {"kind": "await_responses", **step["await_responses"]},
    "core_call": lambda step: {"kind": "core_call", **step["core_call"]},
}


def unpack(body: bytes) -> Any:
    """The map in an IR module, for tools and tests."""
    return msgpack.unpackb(body.removeprefix(MAGIC))
