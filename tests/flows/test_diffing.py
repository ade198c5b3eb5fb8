from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

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
