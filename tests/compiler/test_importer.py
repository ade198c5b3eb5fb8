"""The way back: our own manifests to the last key, others as well as they can be read, hostile ones not at all."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.compiler import CompileError, ManifestError, compile_flow, import_manifest, validate
from tests.compiler.documents import GOOD
from tests.compiler.graphs import Drawing

OURS = st.sampled_from(["meta", "index", "node_id", "steps", "match", "cases", "foreach", "trigger", "source", "extra"])
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).map(lambda text: f"x{text}")
KEYS = NAMES | OURS
"""What data may be called: also as the manifest calls its own parts."""
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
EXTRAS = st.dictionaries(KEYS, VALUES, max_size=3)
PAYLOADS = VALUES | st.fixed_dictionaries({"meta": st.fixed_dictionaries({"index": st.integers(0, 9)}) | VALUES})


@pytest.mark.parametrize("document", GOOD, ids=lambda document: document["name"])
def test_a_manifest_of_ours_comes_back_to_the_last_key(document: dict[str, Any]) -> None:
    odd = document | {"unheard_of": {"kept": [1, None, "ü"]}, "id": "flow_x", "scaicore_target": "0.2"}
    odd["nodes"] = [node | {"note": f"number {number}"} for number, node in enumerate(odd["nodes"])]
    back = import_manifest(compile_flow(odd).body)
    assert back.content == odd
    assert back.unknown_steps == []


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**48), st.integers(1, 3), st.lists(EXTRAS, min_size=4, max_size=4), PAYLOADS)
def test_whatever_is_drawn_and_added_comes_back_as_it_was(
    seed: int, entries: int, extras: list[dict[str, Any]], payload: Any
) -> None:
    """Unknown keys anywhere, several entries, nodes that were written more than once, nodes that were left out, and data in
    steps that looks like parts of a manifest."""
    drawing = Drawing(seed, entries=entries)
    rng = random.Random(seed)
    document = extras[0] | drawing.document | {"metadata": extras[1], "config": extras[2], "tests": [extras[3]]}
    rng.choice(document["nodes"]).update(extras[1])
    rng.choice(document["nodes"])["config"].update(extras[2])
    if document["edges"]:
        rng.choice(document["edges"]).update(extras[3])
    document["nodes"].insert(rng.randint(0, len(document["nodes"])), {**lost(), **extras[0]})
    for each in document["nodes"]:
        if each["type"] == "llm_rigid" and rng.random() < 0.5:
            config = {"plugin": "crm", "method": "find", "args": {"given": payload}}
            each |= {"type": "tool_plugin", "config": {**each["config"], **config}}
    try:
        body = compile_flow(document).body
    except CompileError:
        return
    assert import_manifest(body).content == document


def lost() -> dict[str, Any]:
    return {
        "id": "lost",
        "type": "llm_rigid",
        "label": "Lost",
        "position": {"x": 0.5, "y": -1},
        "config": {"template": "x"},
    }


def test_copies_of_a_shared_tail_are_folded_into_the_one_node() -> None:
    (document,) = [each for each in GOOD if each["name"] == "Tail shared at several depths"]
    body = compile_flow(document).body
    assert body.decode().count("bind: tail") == 3
    assert import_manifest(body).content == document


HOSTILE = {
    "a bomb of aliases": "core: &a [x]\nflows: [*a, *a]",
    "a billion laughs": "a: &a [x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(20)),
    "a tag": "core: !!python/object/apply:os.system [ls]",
    "a custom tag": "core: !x {}",
    "bytes": "core: {name: !!binary aGk=}",
    "bottomless": "core: " + "[" * 5000,
    "bottomless blocks": "".join("  " * level + "a:\n" for level in range(2000)),
    "not YAML": "core: [",
    "no manifest": "just: text",
    "two documents": "core: {flows: [{}]}\n---\ncore: {}",
    "two flows": "core: {flows: [{}, {}]}",
    "too large": "core: " + "x" * (10 * 1024 * 1024),
    "not text": "\x00",
    "a list": "[]",
    "nothing": "",
    "wrong parts": "core: {flows: [{steps: []}], plugins: 7}",
    "wrong meta": "core: {flows: [{steps: []}], scaiflow_meta: {source: []}}",
    "wrong edges": "core: {flows: [{steps: []}], scaiflow_meta: {edges: [7]}}",
    "steps without end": "core: {flows: [{steps: " + "[{foreach: {steps: " * 200 + "[]" + "}}]" * 200 + "}]}",
    "a number that is none": "core: {flows: [{steps: [{rigid: {template: .nan}}]}]}",
    "a key that is no text": "core: {flows: [{steps: [{dance: {yes: 1}}]}]}",
    "a number of many digits": "core: {flows: [{steps: [{dance: " + "9" * 5000 + "}]}]}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_refused_in_words(name: str) -> None:
    with pytest.raises(ManifestError) as error:
        import_manifest(HOSTILE[name])
    assert str(error.value)


BY_HAND = """
core:
  name: by-hand
  runtime_version: "0.2"
  model: scaigrid/openai/gpt-4o
  identity: {provider: scaikey, persona: Paula}
  plugins: [{alias: scaidrive, endpoint: "plugin://scaidrive"}]
  capabilities: [files, {bunker: {lifecycle: session, image: node-20}}]
  flows:
    - name: by-hand
      trigger: {type: api, method: POST, path: /}
      extra_triggers: [{type: schedule, cron: "0 8 * * *"}]
      steps:
        - llm_turn: Classify
          output_schema: {intent: "enum[a, b]"}
          bind: classify
        - match:
            subject: classify.intent
            cases:
              - {when: '"a"', steps: [{rigid: {template: "A of {{classify.intent}}"}}]}
              - {when: [b, c], steps: []}
            else: [{rigid: {template: B}}]
        - dance: {steps: 3, since: 2026-01-01}
        - checkpoint: {type: debug_breakpoint}
        - foreach: {items: input.rows, item_var: row, steps: [{set: {n: n + 1}}]}
        - parallel: {branches: [{steps: [{plugin_call: {alias: scaidrive, method: list_files}}]}, {steps: []}]}
        - checkpoint: {type: approval, prompt: Good?}
"""


def test_a_hand_written_manifest_becomes_a_flow_that_compiles() -> None:
    back = import_manifest(BY_HAND)
    content = back.content
    assert (
        back.unknown_steps == content["metadata"]["unknown_steps"] == [{"dance": {"steps": 3, "since": "2026-01-01"}}]
    )
    assert [node["position"] for node in content["nodes"]] == [
        {"x": 0, "y": 120 * n} for n in range(len(content["nodes"]))
    ]
    assert [node["type"] for node in content["nodes"]] == [
        "entry_api", "entry_schedule", "llm_flexible", "logic_decision", "llm_rigid", "llm_rigid", "logic_loop",
        "data_variable_set", "logic_parallel", "tool_plugin", "checkpoint",
    ]  # fmt: skip
    assert [found.message for found in validate(content) if found.severity == "error"] == []
    assert content["config"]["bunker"] == {"lifecycle": "session", "image": "node-20"}
    assert content["config"]["core_identity"]["persona"] == "Paula"


def test_a_hand_written_manifest_keeps_the_order_of_its_steps() -> None:
    again = yaml.load(compile_flow(import_manifest(BY_HAND).content).body, yaml.CSafeLoader)["core"]["flows"][0][
        "steps"
    ]
    verbs = [next(verb for verb in step if verb not in ("bind", "meta", "llm_role", "output_schema")) for step in again]
    assert verbs == ["llm_turn", "match", "checkpoint", "foreach", "parallel", "checkpoint"]
    assert again[0]["bind"] == "classify"
    assert again[1]["match"]["cases"][1]["when"] == '["b", "c"]'


@pytest.mark.parametrize("document", GOOD, ids=lambda document: document["name"])
def test_a_manifest_of_another_scaiflow_gives_back_nodes_and_edges(document: dict[str, Any]) -> None:
    """Without our own `source` and `index` there are still `meta` and `scaiflow_meta`, as the contract shows them."""
    manifest = yaml.load(compile_flow(document).body, yaml.CSafeLoader)
    del manifest["core"]["scaiflow_meta"]["source"]
    back = import_manifest(json.dumps(without_index(manifest))).content
    drawn = {node["id"]: (node["type"], node.get("config", {})) for node in document["nodes"]}
    assert all(drawn[node["id"]] == (node["type"], node["config"]) for node in back["nodes"])
    led = {edge["source"]["node"] for edge in document["edges"]} | {
        edge["target"]["node"] for edge in document["edges"]
    }
    if document["edges"] and led <= {node["id"] for node in back["nodes"]}:
        assert back["edges"] == document["edges"]


def without_index(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: without_index(inner) for key, inner in value.items() if key != "index" or not isinstance(inner, int)
        }
    return [without_index(inner) for inner in value] if isinstance(value, list) else value


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**48))
def test_a_spoiled_manifest_is_read_or_refused_and_nothing_else(seed: int) -> None:
    rng = random.Random(seed)
    text = bytearray(compile_flow(rng.choice(GOOD)).body if seed % 2 else BY_HAND.encode())
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(text))
        text[place : place + rng.choice([0, 1, 20])] = rng.choice(
            [b"", b"[", b"{}", b": ", b"\n", b"- ", b"7", b"null", b"*a", b"!!x "]
        )
    try:
        content = import_manifest(bytes(text)).content
    except ManifestError as error:
        assert str(error)
    else:
        validate(content)
