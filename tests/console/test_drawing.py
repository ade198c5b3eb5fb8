"""The drawing of a graph: well-formed whatever the document says, escaped, and one box a node."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.diffing import diff
from scaiflow.console.differences import picture_of, together
from scaiflow.console.drawing import Picture, draw, kind_in_words
from scaiflow.console.examples import examples
from scaiflow.console.placing import FARTHEST, number, positions
from tests.drawings import edge, greeting, node

GOLDEN = Path(__file__).parent / "drawings"
SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def boxes(svg: str) -> list[ET.Element]:
    return [group for group in parsed(svg).iter(f"{SVG}g") if "data-node" in group.attrib]


@pytest.mark.parametrize("slug", ["customer-support", "lead-qualifier", "business-trip"])
def test_the_drawing_of_an_example_is_as_it_was(slug: str, request: Any) -> None:
    """After a wanted change: `pytest tests/console/test_drawing.py --rewrite-cases`, and look at the files."""
    svg = draw(examples()[slug], Picture(link=lambda node_id: f"?node={node_id}")).replace("><", ">\n<") + "\n"
    golden = GOLDEN / f"{slug}.svg"
    if request.config.getoption("--rewrite-cases"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(svg)
    assert svg == golden.read_text()


def test_every_node_is_a_box_and_every_edge_a_line() -> None:
    for document in examples().values():
        svg = draw(document)
        assert len(boxes(svg)) == len(document["nodes"])
        lines = [path for path in parsed(svg).iter(f"{SVG}path") if path.get("class") == "line"]
        assert len(lines) == len(document["edges"])


def test_a_click_on_a_node_is_a_link_that_says_what_it_is() -> None:
    link = next(parsed(draw(greeting(), Picture(selected="greet", link=lambda one: f"?node={one}"))).iter(f"{SVG}a"))
    assert link.get("href") == "?node=start"
    assert [text.text for text in link.iter(f"{SVG}text")][:2] == ["Start", "Entry API"]


def test_two_drawings_on_a_page_share_no_id() -> None:
    """They have none: an arrow that names its head by an id would take the head of another drawing, hidden or not."""
    assert not any("id" in part.attrib for part in parsed(draw(examples()["lead-qualifier"])).iter())


def test_nodes_that_were_never_placed_stand_in_columns() -> None:
    places = positions(greeting()["nodes"], greeting()["edges"])
    assert places["start"][0] < places["greet"][0]


def test_a_ring_without_places_is_drawn_all_the_same() -> None:
    ring = [edge("a", "b"), edge("b", "c"), edge("c", "a")]
    nodes = [node(name, "llm_rigid") for name in "abc"]
    assert len(set(positions(nodes, ring).values())) == 3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, "12", None, True, [], 1e308])
def test_a_coordinate_is_a_number_that_a_browser_can_draw(value: Any) -> None:
    assert abs(number(value)) <= FARTHEST


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
NODES = st.fixed_dictionaries(
    {"id": TEXTS, "type": st.one_of(TEXTS, st.sampled_from(["entry_api", "logic_decision"])), "label": TEXTS},
    optional={
        "position": st.dictionaries(st.sampled_from("xy"), st.one_of(st.floats(), st.integers(), TEXTS)),
        "outputs": st.lists(st.fixed_dictionaries({"id": TEXTS, "label": TEXTS}), max_size=3),
    },
)
EDGES = st.fixed_dictionaries(
    {"id": TEXTS, "source": st.fixed_dictionaries({"node": TEXTS, "port": TEXTS})},
    optional={"target": st.fixed_dictionaries({"node": TEXTS}), "condition": TEXTS, "type": TEXTS},
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(st.lists(NODES, max_size=6), st.lists(EDGES, max_size=6))
def test_whatever_a_document_says_the_drawing_is_well_formed(nodes: list[Any], edges: list[Any]) -> None:
    unique = list({one["id"]: one for one in nodes}.values())
    for one in edges:
        if unique:
            one["source"]["node"] = unique[0]["id"]
            one["target"] = {"node": unique[-1]["id"]}
    svg = draw({"nodes": unique, "edges": edges}, Picture(link=lambda node_id: "?node=" + node_id))
    assert len(boxes(svg)) == len(unique)


@pytest.mark.parametrize(
    "hostile", ["</svg><script>alert(1)</script>", '" onload="alert(1)', "<img src=x onerror=alert(1)>"]
)
def test_nothing_of_a_document_becomes_markup(hostile: str) -> None:
    nodes = [node("a", "entry_api") | {"label": hostile}, node("b", hostile) | {"id": hostile}]
    document = {"nodes": nodes, "edges": [edge("a", hostile) | {"id": hostile, "condition": hostile}]}
    svg = draw(document, Picture(marks={"a": hostile}, selected=hostile, link=lambda one: one, title=hostile))
    tags = {element.tag.removeprefix(SVG) for element in parsed(svg).iter()}
    assert tags <= {"svg", "defs", "marker", "path", "g", "a", "rect", "text", "title", "circle"}
    names = {name for element in parsed(svg).iter() for name in element.attrib}
    assert not any(name.startswith("on") or name == "style" for name in names)


def test_what_a_diff_tells_is_marked_on_one_drawing_of_both() -> None:
    before = greeting()
    after = {
        **greeting("Good day {{name}}"),
        "nodes": [*greeting("Good day {{name}}")["nodes"], node("new", "llm_rigid")],
    }
    after["nodes"] = after["nodes"][1:]
    svg = draw(together(before, after), picture_of(diff(before, after), "What changed"))
    marks = {group.get("data-node"): group.get("class", "").rpartition("mark-")[2] for group in boxes(svg)}
    assert marks == {"greet": "changed", "new": "added", "start": "removed"}


def test_kinds_are_said_in_words() -> None:
    assert [kind_in_words(kind) for kind in ("llm_flexible", "hitl_review", "tool_http", "")] == [
        "LLM flexible", "HITL review", "Tool HTTP", "Unknown",
    ]  # fmt: skip
