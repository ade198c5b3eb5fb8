"""Control: decisions, loops, parallel branches, variables and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flows.compiler.actions import Action, Assign, Checkpoint, Foreach, Fork, Match, While, given
from flows.compiler.diagnostics import shown
from flows.compiler.fields import Field
from flows.compiler.formats import FORMATS
from flows.compiler.kinds.kind import Kind, Port, Problem, Settings, Step

BODY_PORT = "out_body"
DONE_PORT = "out_done"
INDEX = "index"
"""The name under which a loop's body finds the number of the iteration, from 0."""

MAX_ITERATIONS = 10_000


def _required(name: str) -> Problem:
    return Problem("missing_config", f"{name} is required", name)


def _check_loop(settings: Settings) -> Iterator[Problem]:
    if settings["style"] == "foreach":
        if settings["items"] in (None, []):
            yield _required("items")
        return
    if settings["condition"] is None:
        yield _required("condition")
    if settings["max_iterations"] is None:
        yield Problem("while_without_limit", "while loop missing max_iterations", "max_iterations")


def _lower_loop(settings: Settings) -> Action:
    if settings["style"] == "foreach":
        return Foreach(settings["items"], settings["item_var"])
    return While(settings["condition"], settings["max_iterations"])


def _lift_verb(verb: str, *fields: str) -> Callable[[Step], Settings | None]:
    def lift(step: Step) -> Settings | None:
        value = step.get(verb)
        if not isinstance(value, dict):
            return None
        return {name: value[name] for name in fields if name in value}

    return lift


def _lift_loop(step: Step) -> Settings | None:
    for style, fields in (("foreach", ("items", "item_var")), ("while", ("condition", "max_iterations"))):
        config = _lift_verb(style, *fields)(step)
        if config is not None:
            return {"style": style} | config
    return None


def assignments(settings: Settings) -> dict[str, Any]:
    """The variables that a `data_variable_set` sets, in both of its forms."""
    single = {settings["name"]: settings["value"]} if settings["name"] else {}
    return single | (settings["assignments"] or {})


def _check_assignments(settings: Settings) -> Iterator[Problem]:
    if not settings["name"] and not settings["assignments"]:
        yield _required("name")
    if (settings["name"] or not settings["assignments"]) and settings["value"] is None:
        yield _required("value")
    for name in settings["assignments"] or {}:
        wrong = FORMATS["name"](name)
        if wrong:
            yield Problem("bad_config", f"assignments {wrong}, not {shown(name)}", "assignments")


def _lift_set(step: Step) -> Settings | None:
    return {"assignments": step["set"]} if isinstance(step.get("set"), dict) else None


PAUSE_FIELDS = (
    Field("prompt", reads="prose"),
    Field("options", ("list",)),
    Field("timeout", ("text", "number"), format="duration", minimum=0),
    Field("on_timeout", ("text", "map")),
)


def lower_pause(settings: Settings) -> Action:
    """A checkpoint without a queue, as `checkpoint` and `hitl_decision` are."""
    return Checkpoint(settings["type"], given({field.name: settings[field.name] for field in PAUSE_FIELDS}))


def _lift_checkpoint(step: Step) -> Settings | None:
    value = step.get("checkpoint")
    if not isinstance(value, dict) or value.get("type") in ("hitl_review", "debug_breakpoint"):
        return None
    return _lift_verb("checkpoint", "type", *(field.name for field in PAUSE_FIELDS))(step)


KINDS = (
    Kind(
        name="logic_decision",
        family="logic",
        purpose="Takes the first of its outgoing edges whose condition holds.",
        ir="match",
        step="match",
        fields=(
            Field("style", default="if", choices=("if", "switch", "match")),
            Field("subject", reads="expression"),
        ),
        any_outputs=True,
        lower=lambda settings: Match(settings["subject"]),
        lift=_lift_verb("match", "subject"),
    ),
    Kind(
        name="logic_loop",
        family="logic",
        purpose="Repeats its body for each item of a list, or while a condition holds.",
        ir="foreach / while",
        step="foreach / while",
        fields=(
            Field("style", default="foreach", choices=("foreach", "while")),
            Field("items", ("text", "list"), reads="expression"),
            Field("item_var", default="item", format="name"),
            Field("condition", reads="expression"),
            Field("max_iterations", ("integer",), minimum=1, maximum=MAX_ITERATIONS),
        ),
        outputs=(Port(BODY_PORT, "body"), Port(DONE_PORT, "done")),
        check=_check_loop,
        lower=_lower_loop,
        lift=_lift_loop,
    ),
    Kind(
        name="logic_parallel",
        family="logic",
        purpose="Runs its branches side by side and goes on when they have met.",
        ir="parallel",
        step="parallel",
        fields=(
            Field("max_concurrent", ("integer",), minimum=1),
            Field("fail_fast", ("boolean",), default=True),
        ),
        any_outputs=True,
        lower=lambda settings: Fork(settings["max_concurrent"], settings["fail_fast"]),
        lift=_lift_verb("parallel", "max_concurrent", "fail_fast"),
    ),
    Kind(
        name="data_variable_set",
        family="data",
        purpose="Sets variables of the flow.",
        ir="rigid",
        step="set",
        fields=(
            Field("name", format="name"),
            Field("value", ("any",), reads="expression"),
            Field("assignments", ("map",), reads="expressions"),
        ),
        check=_check_assignments,
        lower=lambda settings: Assign(assignments(settings)),
        lift=_lift_set,
    ),
    Kind(
        name="checkpoint",
        family="logic",
        purpose="Holds the run until somebody lets it go on.",
        ir="checkpoint",
        step="checkpoint",
        fields=(Field("type", default="approval"), *PAUSE_FIELDS),
        lower=lower_pause,
        lift=_lift_checkpoint,
    ),
)
