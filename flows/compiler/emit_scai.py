"""The .scai text (deprecated): readable, and nothing in it comes unescaped from a flow.

`=` stands before every value and `:` only before types; every text is a JSON string, every name is made of letters, digits
and `_` alone (others become such, with a number where two would be the same).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from flows.compiler.actions import Map

_NOT_NAME = re.compile(r"[^A-Za-z0-9_]+")
_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
TURN_FIELDS = ("bind", "meta", "guarded", "llm_turn", "output_schema")


def as_scai(manifest: Map) -> bytes:
    core = manifest["core"]
    (flow,) = core["flows"]
    names = _Scope()
    lines = [f"@core {_pascal(core['name'])} {{", *_indented(_head(core, names)), "}", ""]
    lines += [f"@flow {_name(flow['name'])}(input: object): object {{", *_indented(_steps(flow["steps"], names)), "}"]
    return ("\n".join(lines) + "\n").encode()


class _Names:
    """One name for each text, and no name for two texts."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, text: str) -> str:
        if text not in self._given:
            name = _name(text)
            while name in self._taken:
                name = f"{name}_{len(self._taken)}"
            self._given[text] = name
            self._taken.add(name)
        return self._given[text]


class _Scope:
    """The names that hold in the whole text. Those of a map's keys hold in that map."""

    def __init__(self) -> None:
        self.binds, self.aliases, self.methods = _Names(), _Names(), _Names()


def _head(core: Map, names: _Scope) -> Iterator[str]:
    yield f"version = {_value(core['scaiflow_meta'].get('source_version') or '')}"
    yield "instance = :stateless"
    yield f"persona = {_value(core['identity']['persona'])}"
    yield "@plugins {"
    plugins = core["plugins"]
    yield from _indented(f"{names.aliases.of(each['alias'])} = {_value(each['endpoint'])}" for each in plugins)
    yield "}"
    yield "@models {"
    models = core["scaiflow_meta"]["models"]
    yield from _indented(f"{_name(each['role'])} = {_value(each['ref'] + '/' + each['model'])}" for each in models)
    yield "}"


def _steps(steps: list[Map], names: _Scope) -> Iterator[str]:
    for step in steps:
        verb = next(verb for verb in WRITERS if verb in step)
        first, *rest = WRITERS[verb](step, names)
        bind = step.get("bind")
        yield f"{names.binds.of(bind)} = {first}" if bind else first
        yield from rest


def _block(word: str, fields: Map) -> Iterator[str]:
    yield f"{word} {{"
    yield from _indented(_assigned(fields))
    yield "}"


def _assigned(fields: Map) -> Iterator[str]:
    keys = _Names()
    return (f"{keys.of(key)} = {_value(value)}" for key, value in fields.items())


def _turn(step: Map, names: _Scope) -> Iterator[str]:
    fields = {"goal": step["llm_turn"], **{k: v for k, v in step.items() if k not in TURN_FIELDS}}
    if "output_schema" in step:
        fields["output"] = step["output_schema"]
    yield from _block("@guarded" if step.get("guarded") else "@flexible", fields)


def _call(step: Map, names: _Scope) -> Iterator[str]:
    call = step["plugin_call"]
    yield "@rigid {"
    method = f"{names.aliases.of(call['alias'])}.{names.methods.of(call['method'])}"
    yield f"  v = {method}({', '.join(_assigned(call['args']))})"
    yield "}"


def _match(step: Map, names: _Scope) -> Iterator[str]:
    inner = step["match"]
    yield f"@match (subject = {_value(inner.get('subject'))}) {{"
    for case in inner["cases"]:
        yield f"  @case (when = {_value(case['when'])}) {{"
        yield from _indented(_steps(case["steps"], names), 2)
        yield "  }"
    if "else" in inner:
        yield "  @else {"
        yield from _indented(_steps(inner["else"], names), 2)
        yield "  }"
    yield "}"


def _loop(verb: str) -> Callable[[Map, _Scope], Iterator[str]]:
    def write(step: Map, names: _Scope) -> Iterator[str]:
        fields = [f"{key} = {_value(value)}" for key, value in step[verb].items() if key != "steps"]
        yield f"@{verb} ({', '.join(fields)}) {{"
        yield from _indented(_steps(step[verb]["steps"], names))
        yield "}"

    return write


def _parallel(step: Map, names: _Scope) -> Iterator[str]:
    inner = step["parallel"]
    yield f"@parallel (max_concurrent = {_value(inner['max_concurrent'])}, fail_fast = {_value(inner['fail_fast'])}) {{"
    for branch in inner["branches"]:
        yield "  @branch {"
        yield from _indented(_steps(branch["steps"], names), 2)
        yield "  }"
    yield "}"


def _fields(verb: str) -> Callable[[Map, _Scope], Iterator[str]]:
    return lambda step, names: _block(f"@{verb}", step[verb])


WRITERS: dict[str, Callable[[Map, _Scope], Iterator[str]]] = {
    "rigid": _fields("rigid"),
    "llm_turn": _turn,
    "plugin_call": _call,
    "set": _fields("set"),
    "match": _match,
    "foreach": _loop("foreach"),
    "while": _loop("while"),
    "parallel": _parallel,
    "checkpoint": _fields("checkpoint"),
    "await_responses": _fields("await_responses"),
    "core_call": _fields("core_call"),
}


def _value(value: Any) -> str:
    """A JSON literal, with `=` where JSON has `:`; characters that could hide something are escaped."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    literal = json.dumps(text, ensure_ascii=False)
    return _UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", literal)


def _name(text: str) -> str:
    name = _NOT_NAME.sub("_", text).strip("_") or "x"
    return f"_{name}" if name[0].isdigit() else name


def _pascal(slug: str) -> str:
    return _name("".join(part.capitalize() for part in slug.split("-")))


def _indented(lines: Any, levels: int = 1) -> Iterator[str]:
    return ("  " * levels + line for line in lines)
