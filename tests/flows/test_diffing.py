from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.diff_text import as_text as as_readable
from flows.diffing import HIDDEN, diff
from tests.drawings import edge, greeting, node


def changed(**parts: Any) -> dict[str, Any]:
    return diff(greeting(), {**greeting(), **parts})


def test_a_document_and_itself_differ_in_nothing() -> None:
    told = diff(greeting(), greeting())
    assert told["summary"] == "nothing changed"
    assert told["layout_only"] is False


def test_the_stamp_of_a_save_is_no_change() -> None:
    assert changed(id="flow_x", version="1.0.9", name="Other")["summary"] == "nothing changed"


def test_nodes_and_edges_are_matched_by_id_wherever_they_stand() -> None:
    new = greeting()
    new["nodes"].insert(0, node("first", "entry_webhook"))
    new["edges"] = [edge("first", "greet", port="out_event")]
    told = diff(greeting(), new)
    assert told["nodes"]["added"] == [{"node_id": "first", "label": "First", "type": "entry_webhook"}]
    assert told["nodes"]["changed"] == told["nodes"]["removed"] == []
    assert [one["edge_id"] for one in told["edges"]["added"]] == ["first-greet"]
    assert [one["edge_id"] for one in told["edges"]["removed"]] == ["start-greet"]
    assert told["summary"] == "1 node added, 1 edge added, 1 edge removed"


def test_a_changed_field_is_told_with_its_path() -> None:
    told = diff(greeting(), greeting("Bye"))
    field = {"path": "config.template", "before": "Hello {{name}}", "after": "Bye"}
    assert told["nodes"]["changed"] == [{"node_id": "greet", "label": "Greet", "fields": [field]}]


def test_a_move_on_the_canvas_is_layout_and_not_logic() -> None:
    moved = greeting()
    moved["nodes"][0]["position"] = {"x": 500, "y": 10}
    assert diff(greeting(), moved)["layout_only"] is True
    assert diff(greeting(), moved)["summary"] == "1 node moved"
    moved["nodes"][1]["config"]["template"] = "Bye"
    assert diff(greeting(), moved)["layout_only"] is False
    assert diff(greeting(), moved)["summary"] == "1 node changed, 1 node moved"


def test_true_and_one_are_not_the_same() -> None:
    old, new = greeting(variables=[{"name": "v", "default": 1}]), greeting(variables=[{"name": "v", "default": True}])
    assert diff(old, new)["variables"] == [{"path": "v.default", "before": 1, "after": True}]


def test_secrets_are_told_as_changed_and_never_shown() -> None:
    old, new = greeting(), greeting()
    old["nodes"][0]["config"] = {"headers": {"Authorization": "Bearer one"}, "auth": {"api_key": "sgk_one"}}
    new["nodes"][0]["config"] = {"headers": {"Authorization": "Bearer two"}}
    told = diff(old, new)
    assert "one" not in str(told["nodes"]["changed"][0]["fields"]).replace("None", "")
    assert {"path": "config.headers.Authorization", "before": HIDDEN, "after": HIDDEN} in told["nodes"]["changed"][0][
        "fields"
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


@given(JSON, JSON)
def test_nothing_is_told_just_when_nothing_changed_but_nulls(one: Any, other: Any) -> None:
    told = diff(greeting(extra={"x": one}), greeting(extra={"x": other}))
    assert (told["document"] == []) is (as_text(one) == as_text(other))


def as_text(value: Any) -> str:
    """Key order is no difference; true and 1 are."""
    return json.dumps(without_nulls({"x": value}), sort_keys=True)


def moved(document: dict[str, Any], x: int) -> dict[str, Any]:
    return {**document, "nodes": [{**node, "position": {"x": x, "y": 0}} for node in document["nodes"]]}


NODES = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from("abc"), "type": st.just("llm_rigid"), "label": st.text(max_size=3)},
        optional={"config": st.dictionaries(st.sampled_from(["template", "size", "token"]), JSON, max_size=2)},
    ),
    max_size=4,
)
DOCUMENTS = st.fixed_dictionaries(
    {"nodes": NODES},
    optional={
        "edges": st.lists(st.fixed_dictionaries({"id": st.sampled_from("xyz"), "condition": JSON}), max_size=3),
        "variables": st.lists(st.fixed_dictionaries({"name": st.sampled_from("vw"), "default": JSON}), max_size=3),
        "config": st.dictionaries(st.text(max_size=3), JSON, max_size=2),
        "metadata": JSON,
    },
)
SILENT = {"layout_only": False, "summary": "nothing changed"}


def is_silent(told: dict[str, Any]) -> bool:
    lists = [*told["nodes"].values(), *told["edges"].values(), *(told[part] for part in PARTS)]
    return not any(lists) and told.items() >= SILENT.items()


PARTS = ("config", "variables", "tests", "document")


@settings(deadline=None, max_examples=80)
@given(DOCUMENTS)
def test_a_document_does_not_differ_from_itself(document: dict[str, Any]) -> None:
    assert is_silent(diff(document, json.loads(json.dumps(document))))


@settings(deadline=None, max_examples=80)
@given(DOCUMENTS, DOCUMENTS)
def test_silence_means_that_nothing_changed(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Also where ids are given twice, and where only the order is another."""
    filled = [{"edges": [], "variables": [], "config": {}, **document} for document in (one, other)]
    assert is_silent(diff(*filled)) is (as_text(filled[0]) == as_text(filled[1]))


@settings(deadline=None, max_examples=80)
@given(DOCUMENTS, DOCUMENTS, st.integers(), st.integers())
def test_layout_only_means_that_only_places_changed(
    one: dict[str, Any], other: dict[str, Any], before: int, after: int
) -> None:
    told = diff(moved(one, before), moved(other, after))
    logic_is_same = is_silent(diff(one, other))
    has_moved = before != after and bool(one["nodes"])
    assert told["layout_only"] is (logic_is_same and has_moved)


def test_a_setting_called_size_is_no_layout() -> None:
    told = diff(greeting(config={"size": 1}), greeting(config={"size": 2}))
    assert (told["layout_only"], told["summary"]) == (False, "config changed")


def test_the_order_of_edges_is_told_because_decisions_try_them_in_it() -> None:
    old = greeting()
    old["edges"] = [{**old["edges"][0], "id": name} for name in "abcd"]
    new = {**old, "edges": [old["edges"][place] for place in (0, 2, 1, 3)]}
    told = diff(old, new)
    assert told["document"] == [{"path": "edges.order", "before": ["b", "c"], "after": ["c", "b"]}]
    assert (told["layout_only"], told["summary"]) == (False, "document changed")


SECRETS = ["sgk_0123456789", "eyJhbGciOi.eyJzdWIi.c2ln", "hunter22"]


@pytest.mark.parametrize(
    "config",
    [
        {"headers": {"Authorization": "Bearer {}"}},
        {"headers": [{"name": "X-Api-Key", "value": "{}"}]},
        {"headers": [{"key": "Cookie", "value": {"deep": ["{}"]}}]},
        {"auth": {"api_key": "{}"}},
        {"auth": {"accessToken": ["{}"]}},
        {"clientSecret": {"inner": "{}"}},
        {"password": {"{}": 1}},
        {"url": "https://ada:{}@host.example/x"},
        {"url": "https://host.example/x?api_key={}&y=1"},
        {"command": "curl -H 'Authorization: Bearer {}' https://host.example"},
        {"env": "DB_PASSWORD={}"},
        {"condition": "input.password == '{}'"},
        {"condition": "input.token!={} and input.n > 1"},
        {"script": "password := {}; secret => {}, api_key => '{}'"},
        {"body": '{"token": "{}"}'},
        {"key": "-----BEGIN {kind}-----\n{}\n-----END {kind}-----".replace("{kind}", "PRIVATE KEY")},
    ],
    ids=str,
)
@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_leaves_in_a_diff_wherever_it_stands(config: dict[str, Any], secret: str) -> None:
    old, new, whole = greeting(), greeting(), greeting()
    filled = json.loads(json.dumps(config).replace("{}", secret))
    old["nodes"][1]["config"] = filled
    new["nodes"][1]["config"] = json.loads(json.dumps(config).replace("{}", "sgk_another"))
    whole["nodes"][1] |= {"id": "other", "config": filled}
    for told in (diff(old, new), diff(greeting(), old), diff(old, greeting()), diff(old, whole)):
        assert not is_silent(told)
        assert secret not in json.dumps(told)
        assert secret not in as_readable({"from": "1", "to": "2", **told})


def test_a_variable_that_is_named_like_a_secret_is_hidden() -> None:
    old, new = ([{"name": "api_key", "default": word}] for word in ("one", "two"))
    field = {"path": "api_key", "before": HIDDEN, "after": HIDDEN}
    assert diff(greeting(variables=old), greeting(variables=new))["variables"] == [field]


@pytest.mark.parametrize("name", ["max_tokens", "max_output_tokens", "token_budget", "tokens_limit"])
def test_a_budget_of_tokens_is_no_secret(name: str) -> None:
    told = diff(greeting(config={name: 100}), greeting(config={name: 200}))
    assert told["config"] == [{"path": name, "before": 100, "after": 200}]


def test_a_reference_to_a_secret_is_no_secret() -> None:
    told = diff(greeting("token={{token}}"), greeting("key: {{api_key}} token={{token}}"))
    assert told["nodes"]["changed"][0]["fields"][0]["after"] == "key: {{api_key}} token={{token}}"


READABLE = """\
1.0.0 -> 1.0.1: 1 node added, 1 node removed, 1 node changed, 1 node moved, 1 edge added, config changed

nodes
  + ask "Ask" (llm_rigid)
  - old "Old \\u001b[2J" (llm_rigid)
  . start "Start"
      position.x: 0 -> 500
  ~ greet "Greet"
      config.template: "Hello {{name}}" -> "Bye"
      config.token: nothing -> "[hidden]"
edges
  + greet-ask (sequential): greet.out -> ask.in
config
  ~ plugins: nothing -> [{"alias": "mail"}]
"""


def test_a_diff_reads_as_text() -> None:
    old, new = greeting(), greeting("Bye", config={"plugins": [{"alias": "mail"}]})
    old["nodes"].append({**node("old", "llm_rigid"), "label": "Old \x1b[2J"})
    new["nodes"][0]["position"] = {"x": 500, "y": 0}
    new["nodes"][1]["config"]["token"] = "abc"
    new["nodes"].append(node("ask", "llm_rigid"))
    new["edges"].append(edge("greet", "ask"))
    assert as_readable({"from": "1.0.0", "to": "1.0.1", **diff(old, new)}) == READABLE
    long = as_readable({"from": "1", "to": "2", **diff(greeting(), greeting("x" * 9000))})
    assert max(map(len, long.splitlines())) < 600


def test_a_large_diff_is_made_in_no_time() -> None:
    old = greeting()
    old["nodes"] = [node(f"n{number}", "llm_rigid", template=f"{number}") for number in range(5000)]
    new = {**old, "nodes": [{**each, "id": "n0"} for each in reversed(old["nodes"])]}
    started = time.perf_counter()
    diff(old, new)
    assert time.perf_counter() - started < 5
