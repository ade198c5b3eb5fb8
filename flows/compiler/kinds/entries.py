"""Entry points: how a run starts. They become triggers, not steps."""

from __future__ import annotations

from collections.abc import Callable

from flows.compiler.actions import Action, Trigger, given
from flows.compiler.fields import Field
from flows.compiler.kinds.kind import Kind, Port, Settings, Step

_METHOD = Field("method", default="POST", choices=("GET", "POST", "PUT", "PATCH", "DELETE"))
_PATH = Field("path", default="/", format="path")


def _lower(trigger: str) -> Callable[[Settings], Action]:
    return lambda settings: Trigger(trigger, given(settings))


def _lift(trigger: str, *fields: str) -> Callable[[Step], Settings | None]:
    def lift(step: Step) -> Settings | None:
        if step.get("type") != trigger:
            return None
        return {name: step[name] for name in fields if name in step}

    return lift


KINDS = (
    Kind(
        name="entry_api",
        family="entry",
        purpose="Starts the flow on a call of the API.",
        ir="api",
        step="trigger",
        fields=(_METHOD, _PATH),
        inputs=(),
        outputs=(Port("out_request", "request"),),
        lower=_lower("api"),
        lift=_lift("api", "method", "path"),
    ),
    Kind(
        name="entry_webhook",
        family="entry",
        purpose="Starts the flow on an event that another system sends.",
        ir="webhook",
        step="trigger",
        fields=(_METHOD, _PATH, Field("auth", ("text", "map"))),
        inputs=(),
        outputs=(Port("out_event", "event"),),
        lower=_lower("webhook"),
        lift=_lift("webhook", "method", "path", "auth"),
    ),
    Kind(
        name="entry_schedule",
        family="entry",
        purpose="Starts the flow at the times of a cron line.",
        ir="schedule",
        step="trigger",
        fields=(
            Field("cron", required=True, default="0 * * * *", format="cron"),
            Field("timezone", default="UTC", format="timezone"),
        ),
        inputs=(),
        outputs=(Port("out_tick", "tick"),),
        lower=_lower("schedule"),
        lift=_lift("schedule", "cron", "timezone"),
    ),
)
