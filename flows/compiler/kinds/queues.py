"""Queues and people: ScaiQueue messages, reviews and decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flows.compiler.actions import Action, Await, Checkpoint, given
from flows.compiler.diagnostics import shown
from flows.compiler.fields import Field
from flows.compiler.kinds.calls import lift_from, lower_to
from flows.compiler.kinds.kind import Kind, Problem, Settings, Step
from flows.compiler.kinds.logic import PAUSE_FIELDS, lower_pause

SECTIONS = ("context", "input", "decision")

SCOPE = Field("scope")
"""A queue node without one inherits `config.scaiqueue.scope`; without that either it is an error."""

_QUEUE = Field("queue", required=True)
_TIMEOUT = Field("timeout", ("text", "number"), format="duration", minimum=0)
_PRIORITY = Field("priority", ("integer", "text"))
_SENT_TO = (replace(SCOPE, reads="template"), replace(_QUEUE, reads="template"))
"""Of a call these are arguments, in which templates are filled in."""


def _check_sections(settings: Settings) -> Iterator[Problem]:
    sections = settings["sections"] or []
    if isinstance(sections, dict):
        names = list(sections)
    else:
        names = [item.get("type", "context") if isinstance(item, dict) else item for item in sections]
    for name in names:
        if name not in SECTIONS:
            wrong = f"sections must be of {', '.join(SECTIONS)}, not {shown(name)}"
            yield Problem("bad_config", wrong, "sections")


def _lower_review(settings: Settings) -> Action:
    fields = {name: settings[name] for name in ("scope", "queue", "assignee", "priority", "timeout", "on_timeout")}
    return Checkpoint("hitl_review", given(fields), settings["sections"])


def _lift_review(step: Step) -> Settings | None:
    value = step.get("checkpoint")
    if not isinstance(value, dict) or value.get("type") != "hitl_review":
        return None
    config = {key: value[key] for key in value if key not in ("type", "hitl_spec")}
    spec = value.get("hitl_spec")
    return config | ({"sections": spec["sections"]} if isinstance(spec, dict) and "sections" in spec else {})


def _lift_await(step: Step) -> Settings | None:
    return dict(step["await_responses"]) if isinstance(step.get("await_responses"), dict) else None


def _never(step: Step) -> Settings | None:
    """A `hitl_decision` writes the very step of a `checkpoint`: without its meta it comes back as that."""
    return None


KINDS = (
    Kind(
        name="queue_publish",
        family="queue",
        purpose="Puts a message into a queue.",
        ir="rigid",
        step="plugin_call",
        fields=(
            *_SENT_TO,
            Field("message_type", reads="template"),
            Field("payload", ("any",), reads="templates"),
            replace(_PRIORITY, reads="template"),
            Field("labels", ("map", "list"), reads="templates"),
        ),
        lower=lower_to("scaiqueue", "publish"),
        lift=lift_from("scaiqueue", "publish"),
    ),
    Kind(
        name="queue_consume",
        family="queue",
        purpose="Waits for messages of a queue.",
        ir="await_responses",
        step="await_responses",
        fields=(SCOPE, _QUEUE, Field("max_messages", ("integer",), default=1, minimum=1), _TIMEOUT),
        lower=lambda settings: Await(given(settings)),
        lift=_lift_await,
    ),
    Kind(
        name="hitl_review",
        family="human",
        purpose="Gives a person something to review, through a queue, and waits for the verdict.",
        ir="checkpoint",
        step="checkpoint",
        fields=(
            SCOPE,
            _QUEUE,
            Field("sections", ("map", "list"), required=True, reads="templates"),
            Field("assignee", reads="template"),
            _PRIORITY,
            _TIMEOUT,
            Field("on_timeout", ("text", "map")),
        ),
        check=_check_sections,
        lower=_lower_review,
        lift=_lift_review,
    ),
    Kind(
        name="hitl_decision",
        family="human",
        purpose="Asks a person to decide and waits for the answer.",
        ir="checkpoint",
        step="checkpoint",
        fields=(Field("type", default="approval"), *PAUSE_FIELDS),
        lower=lower_pause,
        lift=_never,
    ),
    Kind(
        name="queue_escalation",
        family="queue",
        purpose="Hands a case up to another queue.",
        ir="rigid",
        step="plugin_call",
        fields=(*_SENT_TO, Field("reason", reads="template"), Field("payload", ("any",), reads="templates")),
        lower=lower_to("scaiqueue", "escalate"),
        lift=lift_from("scaiqueue", "escalate"),
    ),
)
