"""What the verifier asks of each kind of step; every check yields the problems that it finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from scaiflow.sandbox.runtime.errors import ExpressionError
from scaiflow.sandbox.runtime.expressions.parser import parse
from scaiflow.sandbox.runtime.expressions.templates import parts_of
from scaiflow.sandbox.runtime.program import Program, Step
from scaiflow.sandbox.runtime.schema import field_type
from scaiflow.sandbox.runtime.signatures import SIGNATURES

_TARGET = re.compile(r"core://[A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+")

Problems = Iterator[str]


def _map(value: Any, verb: str) -> Problems:
    if not isinstance(value, dict):
        yield f"{verb} must be a map"


def _expression(source: Any, what: str) -> Problems:
    """A text must parse as an expression; other values are taken as they are."""
    if isinstance(source, str):
        try:
            parse(source)
        except ExpressionError as error:
            yield f"{what}: {error}"


def _templates(value: Any, what: str) -> Problems:
    if isinstance(value, str):
        try:
            parts_of(value)
        except ExpressionError as error:
            yield f"{what}: {error}"
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _templates(inner, what)


def _bindings(owner: dict[str, Any]) -> Problems:
    for field in ("input_bindings", "context_bindings"):
        bindings = owner.get(field) or {}
        if not isinstance(bindings, dict):
            yield f"{field} must be a map"
            continue
        for name, source in bindings.items():
            yield from _expression(source, f"{field}.{name}")


def _rigid(program: Program, step: Step, value: Any) -> Problems:
    if not isinstance(value, dict) or not isinstance(value.get("template"), str):
        yield "rigid: template is required"
    else:
        yield from _templates(value["template"], "template")


def _llm_turn(program: Program, step: Step, value: Any) -> Problems:
    if not isinstance(value, str) or not value.strip():
        yield "llm_turn: a goal is required"
    role = step.get("llm_role") or "primary"
    if role != "primary" and role not in program.models:
        yield f"llm_role={role!r} is not declared"
    elif not program.has_model:
        yield "the Core declares no model"
    schema = step.get("output_schema") or {}
    if not isinstance(schema, dict):
        yield "output_schema must be a map"
        return
    for name, declared in schema.items():
        if field_type(declared) is None:
            yield f"output_schema.{name}: unknown type {declared!r}"
    yield from _bindings(step)


def _match(program: Program, step: Step, value: Any) -> Problems:
    yield from _map(value, "match")
    if not isinstance(value, dict):
        return
    yield from _expression(value.get("subject"), "subject")
    cases = value.get("cases", [])
    if not isinstance(cases, list):
        yield "cases must be a list"
        return
    for index, case in enumerate(cases):
        if not isinstance(case, dict) or "when" not in case:
            yield f"cases[{index}]: when is required"
        else:
            yield from _expression(case["when"], f"cases[{index}].when")


def _foreach(program: Program, step: Step, value: Any) -> Problems:
    yield from _map(value, "foreach")
    if isinstance(value, dict):
        if value.get("items") is None:
            yield "foreach: items is required"
        yield from _expression(value.get("items"), "items")


def _while(program: Program, step: Step, value: Any) -> Problems:
    yield from _map(value, "while")
    if isinstance(value, dict):
        if value.get("condition") is None:
            yield "while: condition is required"
        most = value.get("max_iterations")
        if type(most) is not int or not 1 <= most <= 10_000:
            yield "while loop missing max_iterations"
        yield from _expression(value.get("condition"), "condition")


def _parallel(program: Program, step: Step, value: Any) -> Problems:
    yield from _map(value, "parallel")
    if isinstance(value, dict) and not isinstance(value.get("branches"), list):
        yield "parallel: branches is required"


def _try(program: Program, step: Step, value: Any) -> Problems:
    yield from _map(value, "try")
    if isinstance(value, dict) and not value.get("steps"):
        yield "try: steps is required"


def _plugin_call(program: Program, step: Step, value: Any) -> Problems:
    alias, method = (value.get("alias"), value.get("method")) if isinstance(value, dict) else (None, None)
    if not isinstance(alias, str) or not isinstance(method, str):
        yield "plugin_call: alias and method are required"
        return
    args = value.get("args") or {}
    if not isinstance(args, dict):
        yield "plugin_call: args must be a map"
        return
    if alias not in program.plugins:
        yield f"plugin {alias!r} is not declared"
    for required in SIGNATURES.get(f"{alias}.{method}", ()):
        if args.get(required) in (None, ""):
            yield f"plugin call '{alias}.{method}': missing required arg '{required}'"
    yield from _templates(args, "args")


def _set(program: Program, step: Step, value: Any) -> Problems:
    yield from _map(value, "set")
    if isinstance(value, dict):
        for name, source in value.items():
            yield from _expression(source, f"set.{name}")


def _checkpoint(program: Program, step: Step, value: Any) -> Problems:
    yield from _map(value, "checkpoint")
    if isinstance(value, dict):
        if not isinstance(value.get("type"), str):
            yield "checkpoint: type is required"
        yield from _templates(value.get("prompt"), "prompt")


def _await_responses(program: Program, step: Step, value: Any) -> Problems:
    if not isinstance(value, dict) or not value.get("scope") or not value.get("queue"):
        yield "await_responses: scope and queue are required"


def _core_call(program: Program, step: Step, value: Any) -> Problems:
    if not isinstance(value, dict) or not _TARGET.fullmatch(str(value.get("target"))):
        yield "core_call: target must be core://{tenant}/{slug}"
    else:
        yield from _bindings(value)


CHECKS: dict[str, Callable[[Program, Step, Any], Problems]] = {
    "rigid": _rigid,
    "llm_turn": _llm_turn,
    "match": _match,
    "foreach": _foreach,
    "while": _while,
    "parallel": _parallel,
    "try": _try,
    "plugin_call": _plugin_call,
    "set": _set,
    "checkpoint": _checkpoint,
    "await_responses": _await_responses,
    "core_call": _core_call,
}
