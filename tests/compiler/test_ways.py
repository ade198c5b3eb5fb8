"""The other ways out of the compiler, and the way back."""

from __future__ import annotations

import copy
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.compiler import CompileError, ManifestError, check_shape, compile_flow, import_manifest, validate
from flows.compiler.emit_ir import MAGIC, unpack
from tests.drawings import greeting

ROOT = Path(__file__).parents[2]
CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))
DOCUMENTS = [json.loads(path.read_text())["document"] for path in CASES]
DOCUMENTS += [json.loads(path.read_text()) for path in sorted((ROOT / "docs/examples").glob("*.json"))]
IR_KINDS = {
    "rigid", "flexible", "guarded", "parallel", "foreach", "match", "while", "checkpoint", "core_call",
    "await_responses",
}  # fmt: skip


def compiles(document: Any) -> bool:
    try:
        compile_flow(document)
    except CompileError:
        return False
    return True


GOOD = [document for document in DOCUMENTS if compiles(document)]


@pytest.mark.parametrize("document", GOOD, ids=lambda document: document["name"])
def test_a_manifest_of_ours_comes_back_to_the_last_key(document: dict[str, Any]) -> None:
    odd = document | {"unheard_of": {"kept": [1, None, "ü"]}, "id": "flow_x", "scaicore_target": "0.2"}
    odd["nodes"] = [node | {"note": f"number {number}"} for number, node in enumerate(odd["nodes"])]
    back = import_manifest(compile_flow(odd).body)
    assert back.content == odd
    assert back.unknown_steps == []


@pytest.mark.parametrize("document", GOOD, ids=lambda document: document["name"])
def test_every_block_of_the_ir_is_of_a_known_kind_and_names_its_node(document: dict[str, Any]) -> None:
    body = compile_flow(document, format="ir").body
    assert body.startswith(MAGIC)
    module = unpack(body)
    known = {node["id"] for node in document["nodes"]}
    waiting, seen = [module["flows"][0]["body"]], 0
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict) and "source_location" in each:
            seen += 1
            assert each["kind"] in IR_KINDS
            assert each["source_location"]["node_id"] in known | {None}
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else []
    assert seen
    assert len(module["triggers"]) == sum(node["type"].startswith("entry") for node in document["nodes"])


ESCAPES = ['"', '"} @flow evil() {', "\\", '\\"', "a\nb = 1", "\u2028}", "\u202e", "{{x}}", "}\r\n@core X {"]
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')


@pytest.mark.parametrize("text", ESCAPES)
def test_nothing_from_a_flow_breaks_out_of_its_literal(text: str) -> None:
    document = greeting("Hello", name=f"{text} flow", config={"core_identity": {"persona": text}})
    document["nodes"][1] |= {"id": text, "label": text}
    document["nodes"][1]["config"]["template"] = f"say {text.replace('{{x}}', 'x')}"
    document["edges"][0]["target"]["node"] = text
    written = compile_flow(document, format="scai").body.decode()
    bare = LITERAL.sub("S", written)
    assert bare.count("@core ") == bare.count("@flow ") == 1
    assert bare.count("{") == bare.count("}")
    assert re.fullmatch(r"[ -~\n]*", bare)
    assert not re.search("[\u2028\u202e]", written)


HOSTILE = {
    "a bomb of aliases": "core: &a [x]\nflows: [*a, *a]",
    "a tag": "core: !!python/object/apply:os.system [ls]",
    "a custom tag": "core: !x {}",
    "bottomless": "core: " + "[" * 5000,
    "not YAML": "core: [",
    "no manifest": "just: text",
    "two flows": "core: {flows: [{}, {}]}",
    "too large": "core: " + "x" * (10 * 1024 * 1024),
    "not text": "\x00",
    "a list": "[]",
    "nothing": "",
    "wrong parts": "core: {flows: [{steps: []}], plugins: 7}",
    "wrong meta": "core: {flows: [{steps: []}], scaiflow_meta: {source: []}}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_refused_in_words(name: str) -> None:
    with pytest.raises(ManifestError) as error:
        import_manifest(HOSTILE[name])
    assert str(error.value)


def test_a_hand_written_manifest_becomes_a_flow_that_compiles() -> None:
    text = """
core:
  name: by-hand
  model: scaigrid/openai/gpt-4o
  flows:
    - name: by-hand
      trigger: {type: api, method: POST, path: /}
      steps:
        - llm_turn: Classify
          output_schema: {intent: "enum[a, b]"}
        - match:
            subject: intent
            cases: [{when: '"a"', steps: [{rigid: {template: A}}]}]
            else: [{rigid: {template: B}}]
        - dance: {steps: 3}
        - foreach: {items: input.rows, item_var: row, steps: [{set: {n: n + 1}}]}
"""
    back = import_manifest(text)
    assert back.unknown_steps == back.content["metadata"]["unknown_steps"] == [{"dance": {"steps": 3}}]
    assert [node["position"]["y"] for node in back.content["nodes"]] == [
        120 * n for n in range(len(back.content["nodes"]))
    ]
    steps = compile_flow(back.content).body.decode()
    assert [word in steps for word in ("llm_turn", "match", "foreach", "rigid")] == [True] * 4


ODD = [
    None,
    True,
    0,
    -1,
    1e308,
    2**70,
    "",
    "x",
    "{{",
    [],
    {},
    [[]],
    {"a": {}},
    "\ud800",
    "\0",
    float("nan"),
    [None],
    "else",
]


def mutated(seed: int) -> Any:
    rng = random.Random(seed)
    document = copy.deepcopy(rng.choice(DOCUMENTS))
    for _ in range(rng.randint(1, 4)):
        places = [(holder, key) for holder, key in walk(document)]
        if not places:
            break
        holder, key = rng.choice(places)
        choice = rng.random()
        if choice < 0.5:
            holder[key] = copy.deepcopy(rng.choice(ODD))
        elif choice < 0.7:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(rng.choice(places)[0])
    return document


def walk(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        keys = list(each) if isinstance(each, dict) else list(range(len(each))) if isinstance(each, list) else []
        found += [(each, key) for key in keys]
        waiting += [each[key] for key in keys]
    return found


@settings(max_examples=1500, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_is_done_to_a_document_there_are_diagnostics_and_nothing_else(seed: int) -> None:
    document = mutated(seed)
    check_shape(document)
    found = validate(document)
    try:
        made = compile_flow(document)
    except CompileError as error:
        assert any(each.severity == "error" for each in error.diagnostics)
    else:
        assert not any(each.severity == "error" for each in found)
        assert import_manifest(made.body).content == document
