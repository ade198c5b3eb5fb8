"""Whatever is deployed: it is refused in the verifier's words, or it runs to an outcome. Never anything else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scaiflow.sandbox.runtime.errors import ManifestError
from scaiflow.sandbox.runtime.interpreter import execute
from scaiflow.sandbox.runtime.program import VERBS
from scaiflow.sandbox.runtime.services import Limits, Services
from scaiflow.sandbox.runtime.standin.model import StandIn
from scaiflow.sandbox.runtime.verifier import load
from tests.sandbox.client import manifest, step

_KEYS = (
    "template subject cases when steps else items item_var condition max_iterations branches fail_fast alias method"
    " args type prompt timeout on_timeout scope queue max_messages target input_bindings is_async bind meta guidance"
    " output_schema llm_role examples on_failure"
)
KEYS = _KEYS.split()
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.sampled_from(["a", "input.x", "n + 1", "{{a}}", "{{", "[1, 2]", "'x'", "enum[a, b]", "number", "primary"])
    | st.text("ab{} .1", max_size=6)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYS, *VERBS]) | st.text("ab", max_size=2), inner, max_size=5)
    ),
    max_leaves=25,
)
STEPS = st.lists(st.dictionaries(st.sampled_from([*VERBS, "bind", "meta", "output_schema", "x"]), VALUES, max_size=3))


@settings(max_examples=300, deadline=None)
@given(STEPS | VALUES, st.dictionaries(st.sampled_from(["x", "a"]), SCALARS))
def test_any_steps_are_refused_or_run_to_an_outcome(steps: Any, input: dict[str, Any]) -> None:
    try:
        program = load(manifest(steps))
    except ManifestError as error:
        assert error.problems
        return
    outcome = execute(program, input, Services(StandIn(), limits=Limits(steps=200)))
    assert outcome.status in ("completed", "failed", "suspended")


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_any_yaml_is_refused_or_loaded(document: Any) -> None:
    for text in (yaml.safe_dump(document), yaml.safe_dump({"core": document})):
        try:
            load(text)
        except ManifestError as error:
            assert error.code in ("COMPILE_ERROR", "VERIFIER_ERROR")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_refused_or_loaded(text: str) -> None:
    with pytest.raises(ManifestError):
        load(text)


def test_a_deep_manifest_runs_and_a_deeper_one_is_refused() -> None:
    def nested(depth: int) -> list[dict[str, Any]]:
        steps = [step("leaf", set={"deep": "true"})]
        for level in range(depth):
            steps = [step(f"m{level}", match={"cases": [{"when": "1 == 1", "steps": steps}]})]
        return steps

    assert execute(load(manifest(nested(100))), {}, Services(StandIn())).output == {"deep": True}
    with pytest.raises(ManifestError, match="nested"):
        load(manifest(nested(160)))
