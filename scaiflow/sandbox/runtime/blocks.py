"""The steps that do something: `rigid`, `llm_turn`, `plugin_call`, `set`."""

from __future__ import annotations

from typing import Any

from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.runtime.expressions.values import is_number, text_of
from scaiflow.sandbox.runtime.program import Step
from scaiflow.sandbox.runtime.run import Run
from scaiflow.sandbox.runtime.schema import misfits
from scaiflow.sandbox.runtime.services import Turn

_GO_ON = frozenset({"continue", "skip", "ignore"})


def rigid(run: Run, step: Step, place: str) -> dict[str, str]:
    """A filled-in template, always text."""
    return run.journal.once(place, lambda: {"text": text_of(run.render(step["rigid"]["template"]))})  # type: ignore[no-any-return]


def assign(run: Run, step: Step, place: str) -> dict[str, Any]:
    """Variables; all expressions are computed before the first assignment."""
    values: dict[str, Any] = run.journal.once(place, lambda: run.bound(step["set"]))
    run.scope.variables.update(values)
    return values


def plugin_call(run: Run, step: Step, place: str) -> Any:
    """Whatever the plugin answers."""
    call = step["plugin_call"]
    alias, method = call["alias"], call["method"]
    return run.journal.once(place, lambda: run.services.plugins.call(alias, method, run.render(call.get("args") or {})))


def llm_turn(run: Run, step: Step, place: str) -> dict[str, Any]:
    """The model's answer, which fits `output_schema`.

    A model that fails, or answers something else, fails the step; `on_validation_failure: retry` asks once more, and
    `on_failure: continue` lets the run go on with an empty answer.
    """
    try:
        return run.journal.once(place, lambda: _asked(run, step))  # type: ignore[no-any-return]
    except StepFailed:
        if _policy(step.get("on_failure")) in _GO_ON:
            return {}
        raise


def _charge(turn: Turn, answer: dict[str, Any], budget: Any) -> None:
    """Fail a turn that used more than its budget of tokens: a number, or `{"max_tokens": n}`. A word is a token."""
    most = budget.get("max_tokens", budget.get("tokens")) if isinstance(budget, dict) else budget
    if not is_number(most):
        return
    used = sum(
        len(text_of(part).split())
        for part in (turn.goal, turn.guidance, turn.bindings or turn.input, turn.context, answer)
    )
    if used > most:
        raise StepFailed(f"the turn used {used} tokens, its budget is {most:g}")


def _policy(value: Any) -> str:
    """`continue`, `{"action": "retry"}` and the like as one word."""
    return str(value.get("action", "")) if isinstance(value, dict) else str(value or "")


def _asked(run: Run, step: Step) -> dict[str, Any]:
    turn = _turn(run, step)
    wanted = turn.schema or {"text": "string"}
    policy = _policy(step.get("on_validation_failure"))
    for _ in range(2 if policy == "retry" else 1):
        answer = run.services.model.answer(turn)
        _charge(turn, answer, step.get("budget"))
        wrong = misfits(answer, wanted)
        if not wrong or policy in _GO_ON:
            return answer
    raise StepFailed(f"the model's answer does not fit: {'; '.join(wrong)}")


def _prose(run: Run, value: Any) -> str:
    """Text, lines, or rules by name, as the lines that a model reads."""
    rendered = run.render(value)
    if isinstance(rendered, dict):
        return "\n".join(f"{name}: {text_of(rule)}" for name, rule in rendered.items())
    return "\n".join(text_of(line) for line in rendered) if isinstance(rendered, list) else text_of(rendered)


def _turn(run: Run, step: Step) -> Turn:
    role = str(step.get("llm_role") or "primary")
    prose = [_prose(run, step[name]) for name in ("guidance", "constraints", "guard", "validate") if step.get(name)]
    examples = step.get("examples") or ()
    return Turn(
        goal=_prose(run, step["llm_turn"]),
        role=role,
        model=run.program.models.get(role, {"model": run.program.core.get("model")}),
        persona=run.program.persona,
        input=run.scope.input,
        bindings=run.bound(step.get("input_bindings")),
        context=run.bound(step.get("context_bindings")),
        schema=step.get("output_schema") or {},
        guidance="\n".join(prose),
        examples=tuple(examples) if isinstance(examples, list) else (examples,),
        guarded=bool(step.get("guarded")),
    )
