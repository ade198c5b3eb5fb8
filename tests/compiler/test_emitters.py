"""The other ways out of the compiler: the IR, and the .scai text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.compiler import CompileError, compile_flow
from flows.compiler.emit_ir import MAGIC, unpack
from tests.compiler.documents import GOOD
from tests.drawings import edge, greeting, node

IR_KINDS = {
    "rigid", "flexible", "guarded", "parallel", "foreach", "match", "while", "checkpoint", "core_call", "await_responses",
    "try", "budget", "debug", "model_call",
}  # fmt: skip
"""ScaiCore's closed fourteen."""


def blocks_of(module: Any) -> list[dict[str, Any]]:
    """All blocks, at whatever depth."""
    found, waiting = [], [module["flows"][0]["body"]]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict) and "source_location" in each:
            found.append(each)
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else []
    return found


@pytest.mark.parametrize("document", GOOD, ids=lambda document: document["name"])
def test_every_block_of_the_ir_is_of_a_known_kind_and_names_its_node(document: dict[str, Any]) -> None:
    body = compile_flow(document, format="ir").body
    assert body.startswith(MAGIC)
    module = unpack(body)
    known = {each["id"] for each in document["nodes"]}
    for block in blocks_of(module):
        assert block["kind"] in IR_KINDS
        assert {"result_binding", "source_location"} <= block.keys()
        assert block["source_location"]["node_id"] in known | {None}
    entries = [each["id"] for each in document["nodes"] if each["type"].startswith("entry")]
    assert [trigger["name"] for trigger in module["triggers"]] == entries
    assert {trigger["target_flow"] for trigger in module["triggers"]} == {module["flows"][0]["name"]}


def only_block(kind: str, /, **config: Any) -> dict[str, Any]:
    document = greeting(
        nodes=[node("start", "entry_api"), node("it", kind, **config)],
        edges=[edge("start", "it", port="out_request")],
        config={
            "core_identity": {"models": [{"role": "primary", "ref": "scaigrid", "model": "m"}]},
            "scaiqueue": {"scope": "support"},
        },
    )
    (block,) = unpack(compile_flow(document, format="ir").body)["flows"][0]["body"]
    assert block["result_binding"] == block["source_location"]["node_id"] == "it"
    return {key: value for key, value in block.items() if key not in ("result_binding", "source_location")}


def test_the_ir_says_of_each_kind_what_the_table_says() -> None:
    assert only_block("llm_rigid", template="x")["statements"] == [{"kind": "expression", "template": "x"}]
    assert only_block("data_variable_set", name="n", value="1") == {"kind": "rigid", "assignments": {"n": "1"}}
    call = {"kind": "plugin_call", "alias": "http", "method": "request"}
    assert only_block("tool_http", url="https://x")["statements"][0].items() >= call.items()
    review = only_block("hitl_review", queue="q", sections=["input"])
    assert review["kind"] == "checkpoint"
    assert review["hitl_target"] == {"scope": "support", "queue": "q", "hitl_spec": {"sections": ["input"]}}
    assert only_block("queue_consume", queue="q")["kind"] == "await_responses"
    assert only_block("subflow_call", target="core://a/b")["kind"] == "core_call"
    assert only_block("llm_guarded", goal="g", guard="kind")["kind"] == "guarded"
    assert only_block("llm_flexible", goal="g")["kind"] == "flexible"


def test_a_breakpoint_is_a_checkpoint_that_names_its_node() -> None:
    document = greeting()
    document["nodes"][1]["breakpoint"] = True
    first, _ = unpack(compile_flow(document, format="ir").body)["flows"][0]["body"]
    assert (first["kind"], first["type"], first["source_location"]) == (
        "checkpoint",
        "debug_breakpoint",
        {"node_id": "greet"},
    )


def test_an_ir_of_more_than_ten_megabytes_is_refused() -> None:
    document = greeting("x" * (10 * 1024 * 1024))
    assert compile_flow(document).body
    with pytest.raises(CompileError) as error:
        compile_flow(document, format="ir")
    assert [found.code for found in error.value.diagnostics] == ["too_large"]


ESCAPES = [
    '"',
    '"} @flow evil() {',
    "\\",
    '\\"',
    "a\nb = 1",
    "\u2028}",
    "\u202e",
    "{{x}}",
    "}\r\n@core X {",
    "a: b",
    "//",
    "#",
]
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')
LINE = re.compile(
    r"""\s*(
      @core\s\w+\s\{ | @flow\s\w+\(input:\sobject\):\sobject\s\{ | @(plugins|models)\s\{ | instance\s=\s:stateless | \}
      | (\w+\s=\s)?@\w+\s(\([^:]*\)\s)?\{ | v\s=\s\w+\.\w+\([^:]*\) | \w+\s=\s[^:]+ )?""",
    re.VERBOSE,
)


def check_scai(written: str) -> None:
    """Valid by the contract: one core, one flow, `:` before types alone, `=` before values, all texts in literals."""
    bare = LITERAL.sub("S", written)
    assert re.fullmatch(r"[ -~\n]*", bare)
    assert bare.count("@core ") == bare.count("@flow ") == 1
    assert bare.count("{") == bare.count("}")
    for line in bare.splitlines():
        assert LINE.fullmatch(line), line
    assert not re.search("[\u2028\u2029\u202a-\u202e\x00-\x09\x0b-\x1f]", written)


@pytest.mark.parametrize("document", GOOD, ids=lambda document: document["name"])
def test_scai_is_valid_by_its_rules(document: dict[str, Any]) -> None:
    check_scai(compile_flow(document, format="scai").body.decode())


def hostile(text: str) -> dict[str, Any]:
    """The text in every place of a flow that reaches the .scai."""
    identity = {"persona": text, "models": [{"role": "primary", "ref": text, "model": text}]}
    turn = node(
        text or "x",
        "llm_flexible",
        goal=f"say {text.replace('{{', '')}",
        guidance=text.replace("{{", ""),
        budget={text: 1},
    )
    called = node(
        "call", "tool_plugin", plugin="crm", method="find", args={text or "k": {text or "k": [text.replace("{{", "")]}}
    )
    ends = {"source": {"node": "start"}, "target": {"node": turn["id"]}}
    edges = [
        {"id": "e", "type": "sequential", **ends},
        {"id": "f", "type": "sequential", "source": {"node": turn["id"]}, "target": {"node": "call"}},
    ]
    nodes = [node("start", "entry_api"), turn, called]
    return greeting(name=f"{text} flow", version=text, nodes=nodes, edges=edges, config={"core_identity": identity})


@pytest.mark.parametrize("text", ESCAPES)
def test_nothing_from_a_flow_breaks_out_of_its_literal(text: str) -> None:
    check_scai(compile_flow(hostile(text), format="scai").body.decode())


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_no_text_at_all_breaks_out_of_its_literal(text: str) -> None:
    if text not in ("start", "call"):
        check_scai(compile_flow(hostile(text), format="scai").body.decode())


def test_two_nodes_never_become_one_name() -> None:
    document = greeting(
        nodes=[
            node("start", "entry_api"),
            *(node(each, "llm_rigid", template="x") for each in ("a-b", "a b", "a_b", "a.b")),
        ],
        edges=[edge("start", "a-b", port="out_request"), edge("a-b", "a b"), edge("a b", "a_b"), edge("a_b", "a.b")],
    )
    names = re.findall(r"(\w+) = @rigid", compile_flow(document, format="scai").body.decode())
    assert len(set(names)) == 4


def test_two_arguments_plugins_methods_or_variables_never_become_one_name() -> None:
    first = node("one", "tool_plugin", plugin="my-crm", method="find.all", args={"a b": 1, "a_b": 2, "a.b": 3})
    other = node("two", "tool_plugin", plugin="my_crm", method="find_all", args={"a_b": 1})
    assign = node("set", "data_variable_set", assignments={"total": "1", "_total": "2"})
    document = greeting(
        nodes=[node("start", "entry_api"), first, other, assign],
        edges=[edge("start", "one", port="out_request"), edge("one", "two"), edge("two", "set")],
    )
    written = compile_flow(document, format="scai").body.decode()
    declared = dict(re.findall(r'^ *(\w+) = "plugin://(.+)"$', written, re.MULTILINE))
    calls = re.findall(r"v = (\w+)\.(\w+)\((.*)\)", written)
    assert [declared[alias] for alias, _, _ in calls] == ["my-crm", "my_crm"]
    assert len({method for _, method, _ in calls}) == 2
    assert len(set(re.findall(r"(\w+) = \d", calls[0][2]))) == 3
    (names,) = re.findall(r"@set \{\n\s*(\w+) = .*\n\s*(\w+) = ", written)
    assert names[0] != names[1]
