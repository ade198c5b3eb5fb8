"""The interpreter alone, without HTTP: the rules of docs/manifest.md one by one."""

from __future__ import annotations

from typing import Any

import pytest

from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.runtime.interpreter import Outcome, execute
from scaiflow.sandbox.runtime.journal import Journal
from scaiflow.sandbox.runtime.services import Limits, LonelyHost, Services
from scaiflow.sandbox.runtime.standin.model import StandIn
from scaiflow.sandbox.runtime.verifier import load
from tests.sandbox.client import manifest, step


class Recorder:
    """A plugin that answers with its arguments; `fail` is the method that fails."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def call(self, alias: str, method: str, args: dict[str, Any]) -> Any:
        self.calls.append((method, args))
        if method == "fail":
            raise StepFailed("no luck")
        return args


def run(
    steps: list[dict[str, Any]],
    input: Any = None,
    *,
    journal: Journal | None = None,
    host: LonelyHost | None = None,
    plugins: Recorder | None = None,
    limits: Limits | None = None,
    **core: Any,
) -> Outcome:
    program = load(manifest(steps, plugins=("echo", "scaiqueue"), **core))
    services = Services(StandIn(), plugins or Recorder(), host or LonelyHost(), limits or Limits())
    return execute(program, input or {}, services, journal)


def call(node_id: str, method: str = "go", **args: Any) -> dict[str, Any]:
    return step(node_id, plugin_call={"alias": "echo", "method": method, "args": args})


def case(when: Any, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"when": when, "steps": list(steps)}


ASK = step("node_ask", checkpoint={"type": "approval", "prompt": "Pay {{input.n}}?"})


def test_later_results_lie_over_earlier_ones_and_variables_over_all() -> None:
    steps = [call("a", x=1, y=1, v="result"), call("b", y=2), step("s", set={"v": "'variable'"})]

    assert run(steps).output == {"x": 1, "y": 2, "v": "variable"}


def test_names_come_from_variables_then_results_then_the_last_object_then_the_input() -> None:
    seen = {name: f"{{{{{name}}}}}" for name in ("v", "a", "field", "deep", "input", "nowhere")}
    steps = [call("a", field="old"), call("b", field="last", v="hidden"), call("seen", **seen)]

    found = run(steps, {"deep": "own", "field": "hidden"}, variables=[{"name": "v", "type": "int", "default": 7}])

    assert found.output["v"] == 7
    assert found.output["a"] == {"field": "old"}
    assert found.output["field"] == "last"
    assert found.output["deep"] == "own"
    assert found.output["input"]["deep"] == "own"
    assert found.output["nowhere"] is None


def test_the_triggers_name_is_the_input() -> None:
    assert run([call("a", x="{{node_start.n}}")], {"n": 5}).output == {"x": 5}


def test_variables_without_a_default_take_that_of_their_type() -> None:
    declared = [{"name": name, "type": name} for name in ("int", "string", "bool", "list", "object")]

    assert run([], variables=declared).output == {"int": 0, "string": "", "bool": False, "list": [], "object": {}}


def test_a_template_step_answers_text() -> None:
    assert run([step("a", rigid={"template": "{{input.n}}"})], {"n": 5}).output == {"text": "5"}


@pytest.mark.parametrize(
    ("subject", "when", "holds"),
    [
        ("input.x", '"a"', True),
        ("input.x", '["b", "a"]', True),
        ("input.x", '["b"]', False),
        ("input.x", ["a"], True),
        ("input.n", "3", True),
        ("input.n", 3, True),
        ("input.n", "-3", False),
        ("input.n == 3", "true", True),
        (None, "input.n == 3", True),
        ("input.o", "flag and subject.flag", True),
        (None, "flag", False),
        ("input.x", "subject == 'a' and n > 2", True),
    ],
)
def test_a_when_is_compared_with_the_subject_or_is_a_condition(subject: Any, when: Any, holds: bool) -> None:
    inner = {"subject": subject, "cases": [case(when, call("hit", hit=True))]}

    output = run([step("m", match=inner)], {"x": "a", "n": 3, "o": {"flag": True}}).output

    assert output == ({"hit": True} if holds else {})


def test_the_first_case_that_holds_wins_and_else_only_without_one() -> None:
    inner = {"cases": [case("n > 1", call("a", way=1)), case("n > 0", call("b", way=2))], "else": [call("c", way=3)]}

    ways = [run([step("m", match=inner)], {"n": n}).output["way"] for n in (2, 1, 0)]

    assert ways == [1, 2, 3]


def test_foreach_binds_item_and_index_and_collects_the_last_results() -> None:
    body = [call("skip", z=0), call("pair", at="{{index}}", value="{{word}}")]
    steps = [step("loop", foreach={"items": "input.words", "item_var": "word", "steps": body})]

    found = run(steps, {"words": ["a", "b"]}).output["items"]

    assert found == [{"at": 0, "value": "a"}, {"at": 1, "value": "b"}]


def test_loops_nest_and_the_inner_names_win() -> None:
    inner = step("in", foreach={"items": "item", "steps": [call("leaf", v="{{item}}", i="{{index}}")]})

    found = run([step("out", foreach={"items": "input.rows", "steps": [inner]})], {"rows": [[1, 2], [3]]})

    assert [len(row["items"]) for row in found.output["items"]] == [2, 1]
    assert found.output["items"][1]["items"] == [{"v": 3, "i": 0}]


def test_foreach_over_null_is_empty_and_over_a_number_fails() -> None:
    loop = [step("l", foreach={"items": "input.x", "steps": []})]

    assert run(loop).output == {"items": []}
    assert run(loop, {"x": 3}).status == "failed"


def test_while_runs_as_long_as_its_condition_holds_and_no_longer_than_its_limit() -> None:
    body = [step("s", set={"n": "n + 1"})]
    variables = [{"name": "n", "type": "int", "default": 0}]

    held = run([step("w", while_={"condition": "n < 3", "max_iterations": 10, "steps": body})], variables=variables)
    capped = run([step("w", while_={"condition": "true", "max_iterations": 5, "steps": body})], variables=variables)

    assert (held.output["n"], held.output["iterations"]) == (3, 3)
    assert (capped.status, capped.output["iterations"]) == ("completed", 5)


def test_all_branches_run_and_the_run_goes_on_behind_them() -> None:
    branches = {"branches": [{"steps": [call("a", a=1)]}, {"steps": [call("b", b=2)]}]}

    assert run([step("p", parallel=branches), call("c", sum="{{a.a + b.b}}")]).output == {"a": 1, "b": 2, "sum": 3}


@pytest.mark.parametrize(("fail_fast", "status"), [(True, "failed"), (False, "completed")])
def test_fail_fast_decides_whether_a_failed_branch_fails_the_run(fail_fast: bool, status: str) -> None:
    branches = [{"steps": [call("a", "fail")]}, {"steps": [call("b", b=2)]}]

    found = run([step("p", parallel={"branches": branches, "fail_fast": fail_fast})])

    assert found.status == status
    assert found.output == ({} if fail_fast else {"b": 2})


def attempt(*steps: dict[str, Any], catch: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    inner = {"steps": list(steps)} | ({"catch": catch} if catch is not None else {})
    return step("node_try", **{"try": inner})


def test_what_fails_in_a_try_is_caught_with_its_reason_and_the_run_goes_on() -> None:
    plugins = Recorder()
    tried = attempt(call("a", "fail"), call("never"), catch=[call("caught", "sorry", why="{{error}}")])
    ended = run([tried, call("behind")], plugins=plugins)
    assert (ended.status, ended.failed_node, ended.output["why"]) == ("completed", None, "no luck")
    assert [method for method, _ in plugins.calls] == ["fail", "sorry", "go"]


def test_a_try_in_which_nothing_fails_leaves_its_catch_alone() -> None:
    plugins = Recorder()
    assert run([attempt(call("a"), catch=[call("b", "sorry")])], plugins=plugins).status == "completed"
    assert [method for method, _ in plugins.calls] == ["go"]


def test_a_try_cannot_catch_that_the_run_took_too_much() -> None:
    endless = step("node_while", **{"while": {"condition": "true", "max_iterations": 10_000, "steps": [call("a")]}})
    ended = run([attempt(endless, catch=[])], limits=Limits(steps=50))
    assert ended.status == "failed"


def test_a_run_that_waits_in_a_catch_is_resumed_there_and_repeats_nothing() -> None:
    plugins = Recorder()
    tried = attempt(call("a", "fail"), catch=[ASK, call("after", "after")])
    waits = run([tried], {"n": 1}, plugins=plugins)
    assert waits.status == "suspended"
    waits.journal.entries["steps[0].catch[0]"] = {"decision": "yes"}
    assert run([tried], {"n": 1}, plugins=plugins, journal=waits.journal).status == "completed"
    assert [method for method, _ in plugins.calls] == ["fail", "after"]


def test_a_checkpoint_suspends_and_says_what_it_waits_for() -> None:
    found = run([call("before", x=1), ASK, call("after", y=2)], {"n": 9})

    answer = found.answer("exec_1")

    assert answer["status"] == "suspended"
    assert answer["output"]["x"] == 1
    assert "y" not in answer["output"]
    assert answer["output"]["checkpoint"] == {
        "id": "chk_1",
        "node_id": "node_ask",
        "type": "approval",
        "prompt": "Pay 9?",
        "queue": None,
    }


def test_a_resumed_run_repeats_nothing_and_takes_the_decided_way() -> None:
    plugins, host = Recorder(), LonelyHost()
    cases = [case('"yes"', call("pay"))]
    decide = step("d", match={"subject": "node_ask.decision", "cases": cases, "else": [call("no")]})
    steps = [call("before", x=1), ASK, decide]
    first = run(steps, plugins=plugins, host=host)
    first.journal.entries["steps[1]"] = {"decision": "yes"}

    second = run(steps, plugins=plugins, host=host, journal=Journal(first.journal.entries))

    assert second.status == "completed"
    assert second.output["decision"] == "yes"
    assert len(plugins.calls) == 2
    assert len(host.checkpoints) == 1
    entered = [payload["node_id"] for type, payload in host.events if type == "block.entered"]
    assert entered == ["before", "node_ask", "d", "pay"]


def test_a_resumed_run_keeps_to_decisions_that_it_took_before() -> None:
    steps = [
        step("m", match={"cases": [case("v == 0", call("was_zero", way="zero"))], "else": [call("else", way="else")]}),
        ASK,
        step("s", set={"v": "1"}),
        step("loop", while_={"condition": "v < 3", "max_iterations": 9, "steps": [step("t", set={"v": "v + 1"})]}),
    ]
    variables = [{"name": "v", "type": "int", "default": 0}]
    first = run(steps, variables=variables)
    first.journal.entries["steps[1]"] = {"decision": "yes"}

    done = run(steps, variables=variables, journal=first.journal)

    assert (done.output["way"], done.output["v"], done.output["iterations"]) == ("zero", 3, 2)


def test_a_branch_that_waits_lets_the_others_run_first() -> None:
    plugins = Recorder()
    branches = {"branches": [{"steps": [ASK, call("after_ask")]}, {"steps": [call("other")]}]}
    steps = [step("p", parallel=branches), call("behind")]

    first = run(steps, plugins=plugins)
    assert (first.status, len(plugins.calls)) == ("suspended", 1)

    first.journal.entries["steps[0].branches[0][0]"] = {"decision": "yes"}
    assert run(steps, plugins=plugins, journal=first.journal).status == "completed"
    assert len(plugins.calls) == 3


def test_a_breakpoint_leaves_no_trace_in_the_output() -> None:
    stop = {"checkpoint": {"type": "debug_breakpoint", "node_id": "a"}}
    first = run([stop, call("a", x=1)])
    first.journal.entries["steps[0]"] = {"decision": "continue"}

    assert run([stop, call("a", x=1)], journal=first.journal).output == {"x": 1}


def test_too_many_steps_end_the_run() -> None:
    body = [call("a")]
    found = run(
        [step("w", while_={"condition": "true", "max_iterations": 10_000, "steps": body})], limits=Limits(steps=50)
    )

    assert found.status == "failed"
    assert "more than 50 steps" in str(found.error)


def test_too_much_time_ends_the_run() -> None:
    ticks = iter(range(1000))

    found = run([call("a"), call("b"), call("c")], limits=Limits(seconds=2, clock=lambda: float(next(ticks))))

    assert found.status == "failed"
    assert "longer than 2 seconds" in str(found.error)


def test_a_failed_step_names_its_node_and_fails_its_blocks() -> None:
    host = LonelyHost()
    inner = step("m", match={"cases": [case("true == true", call("bad", "fail"))]})

    found = run([inner], host=host)

    assert (found.status, found.failed_node, found.error) == ("failed", "bad", "no luck")
    assert [(type, payload["node_id"]) for type, payload in host.events][-2:] == [
        ("block.failed", "bad"),
        ("block.failed", "m"),
    ]


def test_the_same_program_and_input_give_the_same_outcome() -> None:
    steps = [step("t", llm_turn="Sort the mail", output_schema={"kind": "enum[bill, letter]", "confidence": "number"})]

    assert run(steps, {"text": "the bill is due"}).output == run(steps, {"text": "the bill is due"}).output


def test_a_failure_is_kept_too_and_not_tried_again_on_resume() -> None:
    plugins = Recorder()
    branches = {"branches": [{"steps": [call("a", "fail")]}, {"steps": [ASK]}], "fail_fast": False}
    steps = [step("p", parallel=branches)]
    first = run(steps, plugins=plugins)
    first.journal.entries["steps[0].branches[1][0]"] = {"decision": "yes"}

    done = run(steps, plugins=plugins, journal=first.journal)

    assert (done.status, done.output) == ("completed", {"decision": "yes"})
    assert len(plugins.calls) == 1


def test_a_value_that_a_loop_nests_too_deep_fails_the_run() -> None:
    grow = {"condition": "true", "max_iterations": 9_000, "steps": [step("s", set={"v": "[v]"})]}
    compare = step("c", set={"same": "v == [v]"})

    found = run([step("w", while_=grow), compare], variables=[{"name": "v", "type": "list"}], limits=Limits(20_000))

    assert (found.status, found.error) == ("failed", "a value is nested too deep")
