"""Runs out of events, the charts over them, and the review forms of checkpoints: all pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scaiflow.console.plots import bars, curve, percentile, plots_of
from scaiflow.console.reviews import resolution_of, review_of
from scaiflow.console.runs import failures_first, runs_of

BEGIN = datetime(2026, 11, 25, 12, tzinfo=UTC)


def event(what: str, second: float, run: str = "exec_1", **payload: Any) -> dict[str, Any]:
    at = (BEGIN + timedelta(seconds=second)).isoformat()
    return {"type": f"scaicore.runtime.{what}", "timestamp": at, "payload": {"execution_id": run, **payload}}


def step(what: str, second: float, node: str, **more: Any) -> dict[str, Any]:
    return event(
        f"block.{what}", second, path=f"steps[{node}]", node_id=node, block=more.pop("block", "llm_turn"), **more
    )


STORY = [
    event("invocation.started", 0, input={"a": 1}, trigger="api"),
    step("entered", 1, "one"),
    step("exited", 3, "one", result={"ok": True}),
    step("entered", 3, "two", block="checkpoint"),
]
END = [step("exited", 9, "two"), event("invocation.completed", 10, output={"b": 2})]


def test_a_run_that_ended_says_how_long_what_took() -> None:
    (run,) = runs_of([*STORY, *END])
    assert (run.state, run.milliseconds, run.input, run.output) == ("completed", 10_000, {"a": 1}, {"b": 2})
    assert [(block.node_id, block.milliseconds, block.state) for block in run.blocks.values()] == [
        ("one", 2000, "done"), ("two", 6000, "done"),
    ]  # fmt: skip
    assert [(begin, length) for _, begin, length in run.timeline] == [(100, 200), (300, 600)]


def test_a_run_before_a_person_waits_and_its_node_is_marked() -> None:
    (run,) = runs_of(STORY)
    assert run.state == "waiting"
    assert run.marks == {"one": "done", "two": "waiting"}


def test_a_step_that_is_not_left_yet_is_running() -> None:
    (run,) = runs_of(STORY[:2])
    assert (run.state, run.marks) == ("running", {"one": "running"})


def test_a_failed_run_stands_first_when_failures_go_first() -> None:
    failed = [event("invocation.started", 0, "exec_0"), event("invocation.failed", 1, "exec_0", error="no such queue")]
    runs = runs_of([*failed, *STORY])
    assert [run.id for run in runs] == ["exec_1", "exec_0"]
    assert [run.id for run in failures_first(runs)] == ["exec_0", "exec_1"]
    assert runs[1].error == "no such queue"


def test_of_events_at_one_moment_the_newest_is_told_first() -> None:
    at_once = [dict(one, timestamp=BEGIN.isoformat()) for one in STORY]
    (run,) = runs_of(reversed(at_once))
    assert (run.state, list(run.blocks)) == ("waiting", ["steps[one]", "steps[two]"])


def test_the_order_of_the_events_does_not_matter() -> None:
    assert runs_of(reversed([*STORY, *END]))[0].milliseconds == runs_of([*STORY, *END])[0].milliseconds


PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
)


@PATIENT
@given(
    st.lists(st.dictionaries(st.sampled_from(["type", "timestamp", "payload", "execution_id"]), ANYTHING), max_size=5)
)
def test_events_of_any_shape_make_runs(events: list[dict[str, Any]]) -> None:
    runs = runs_of(events)
    assert all(run.timeline is not None for run in runs)
    assert len(plots_of(runs, now=BEGIN)) == 3


def test_the_plots_tell_in_words_what_they_show() -> None:
    failed = [event("invocation.started", 20, "exec_2"), event("invocation.failed", 21, "exec_2")]
    per_hour, rate, p95 = plots_of(runs_of([*STORY, *END, *failed]), now=BEGIN + timedelta(minutes=5))
    assert (per_hour.told, rate.told, p95.told) == ("2 in 24 h", "50%", "10.00 s")
    for plot in (per_hour, rate, p95):
        assert "25 Nov 12:00 UTC" in ET.fromstring(plot.svg).attrib["aria-label"]


@pytest.mark.parametrize(("values", "wanted"), [([], None), ([5], 5), (list(range(1, 101)), 95), ([3, 1, 2], 3)])
def test_a_percentile_is_one_of_the_values(values: list[float], wanted: float | None) -> None:
    assert percentile(values, 0.95) == wanted


def test_a_title_is_no_markup() -> None:
    hostile = '"><script>alert(1)</script>'
    for svg in (bars([(hostile, 1.0)], title=hostile), curve([(hostile, 1.0)], title=hostile)):
        assert "<script" not in svg
        ET.fromstring(svg)


CHECKPOINT = {"context": {"node_answer": {"answer": "?"}}, "input": {"message": "hi"}, "options": None}


def test_a_review_by_names_shows_context_and_input_and_asks_for_approval() -> None:
    review = review_of(CHECKPOINT | {"hitl_spec": {"sections": ["context", "input", "decision"]}})
    assert [section.kind for section in review.sections] == ["context", "input", "decision"]
    assert review.sections[1].shown == {"message": "hi"}
    assert review.options == ("approve", "reject")


def test_fields_that_a_spec_asks_for_come_back_as_data() -> None:
    fields = [
        "note", {"name": "amount", "type": "number"}, {"name": "urgent", "type": "boolean"},
        {"name": "team", "options": ["a", "b"]},
    ]  # fmt: skip
    review = review_of(
        {"options": ["call", "wait"], "hitl_spec": {"sections": [{"type": "decision", "fields": fields}]}}
    )
    typed = {"decision": "call", "comment": "now", "data.amount": "12.5", "data.urgent": "yes", "data.team": "b"}
    assert resolution_of(review, typed) == {
        "decision": "call", "comment": "now", "data": {"amount": 12.5, "urgent": True, "team": "b"},
    }  # fmt: skip


def test_a_spec_as_a_map_and_none_at_all_are_forms_too() -> None:
    assert (
        review_of({"hitl_spec": {"sections": {"context": "Look here", "decision": {"title": "Your word"}}}})
        .sections[0]
        .shown
    )
    assert [section.kind for section in review_of({"context": 1}).sections] == ["context"]


@PATIENT
@given(ANYTHING, ANYTHING)
def test_specs_of_any_shape_make_forms(sections: Any, options: Any) -> None:
    review = review_of({"hitl_spec": {"sections": sections}, "options": options})
    assert resolution_of(review, {"decision": "approve"})["decision"] == "approve"
