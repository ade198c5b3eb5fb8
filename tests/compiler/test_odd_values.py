"""Every field of every kind, with values that nobody should put there: diagnostics, or a manifest that the runtime takes."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml

from flows.compiler import KINDS, CompileError, Kind, compile_flow, validate
from tests.compiler.documents import CASES, check
from tests.drawings import edge, greeting, node

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 0.5, 1e308, "", "  ", "\n", "\t ", "x", "a b", "0", "{{", "}}", "{{}}", "{{ }}", "{{x}}",
    "a {{x}} b", "{{a b}}", "{{x}", "x +", "'", "\0", "\u2028", "ü", "else", "null", "localtime", "core://a/b",
    [], [""], ["  "], [None], ["{{"], [["a"]], [{}], {}, {"": ""}, {"a": ""}, {"a": "  "}, {"a": None},
    {"a": "{{"}, {"a": "x +"},
    {"a": {}}, {"a": []}, {"a b": 1}, {"a": {"type": "odd"}}, {"a": {"enum": []}}, {"a": {"type": "enum"}}, {"a": "enum"},
    {"meta": {"index": 1, "node_id": "evil"}}, {"query": ""}, {"steps": [{"meta": {"index": 0}}]}, {"else": 1},
]  # fmt: skip


def example(kind: Kind) -> dict[str, Any]:
    """The document of the kind's own golden case."""
    (path,) = [path for path in CASES if path.stem == f"kind-{kind.name}"]
    document: dict[str, Any] = json.loads(path.read_text())["document"]
    return document


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_any_value_in_any_field_is_told_of_or_taken_by_the_runtime(kind: Kind) -> None:
    original = example(kind)
    places = [index for index, each in enumerate(original["nodes"]) if each["type"] == kind.name]
    for place, field, value in ((p, f.name, v) for p in places for f in kind.fields for v in ODD):
        document = copy.deepcopy(original)
        document["nodes"][place].setdefault("config", {})[field] = copy.deepcopy(value)
        check(document)


@pytest.mark.parametrize("call", ["scaidrive.search", "scaisend.send", "scaibunker.exec", "http.request", "crm.find"])
def test_any_arguments_of_a_known_plugin_are_told_of_or_taken_by_the_runtime(call: str) -> None:
    plugin, method = call.split(".")
    for value in ODD:
        called = node("call", "tool_plugin", plugin=plugin, method=method, args=value)
        check(greeting(nodes=[node("start", "entry_api"), called], edges=[edge("start", "call", port="out_request")]))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_an_emptied_box_is_a_box_that_is_not_there(kind: Kind, blank: str) -> None:
    """Each alone, and all at once."""
    fields = [field.name for field in kind.fields if not (field.keeps_blanks and blank)]
    for emptied in [*([name] for name in fields), fields]:
        with_blanks, without = example(kind), example(kind)
        for it in (each for each in with_blanks["nodes"] if each["type"] == kind.name):
            it["config"] = it.get("config", {}) | dict.fromkeys(emptied, blank)
        for it in (each for each in without["nodes"] if each["type"] == kind.name):
            it["config"] = {name: value for name, value in it.get("config", {}).items() if name not in emptied}
        assert outcome_of(with_blanks) == outcome_of(without)


def outcome_of(document: Any) -> Any:
    """The findings; of a flow that compiles its steps and triggers too, without what they say of the document."""
    try:
        (flow,) = yaml.load(compile_flow(document).body, yaml.CSafeLoader)["core"]["flows"]
    except CompileError as error:
        return error.diagnostics
    return validate(document), without_meta(flow)


def without_meta(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_meta(inner) for key, inner in value.items() if key != "meta"}
    return [without_meta(inner) for inner in value] if isinstance(value, list) else value
