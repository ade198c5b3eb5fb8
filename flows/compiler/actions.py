"""What a node does once its config is read: the small algebra between the 24 kinds and the three outputs.

Every kind lowers to one of these; every emitter has one function per action. That is why a new kind needs no change
in any emitter. Maps keep the order in which the manifest shows their keys; None values are left out by the emitters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = Any
Map = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Trigger:
    """How a run starts. `type` is api, webhook or schedule."""

    type: str
    fields: Map


@dataclass(frozen=True, slots=True)
class Render:
    """Fill a template; the result is `{"text": ...}`."""

    template: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a model. `options` holds `llm_role`, `output_schema`, bindings and the rest."""

    goal: str
    guarded: bool
    options: Map


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a plugin's method."""

    alias: str
    method: str
    args: Map


@dataclass(frozen=True, slots=True)
class Assign:
    """Variables set from expressions; all are evaluated before any is set."""

    assignments: Map


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The run waits for people. A review carries its `sections` and goes to a queue of a scope (both in `fields`)."""

    type: str
    fields: Map
    sections: Json = None


@dataclass(frozen=True, slots=True)
class Await:
    """The run waits for messages of a queue."""

    fields: Map


@dataclass(frozen=True, slots=True)
class CoreCall:
    """Another Core is invoked."""

    fields: Map


@dataclass(frozen=True, slots=True)
class Match:
    """A decision; the cases are its outgoing edges."""

    subject: str | None


@dataclass(frozen=True, slots=True)
class Foreach:
    """The body runs once for each item. `items` is an expression or a list."""

    items: Json
    item_var: str


@dataclass(frozen=True, slots=True)
class While:
    """The body runs while the condition holds."""

    condition: str
    max_iterations: int


@dataclass(frozen=True, slots=True)
class Fork:
    """The branches run side by side."""

    max_concurrent: int | None
    fail_fast: bool


Action = Trigger | Render | Turn | Call | Assign | Checkpoint | Await | CoreCall | Match | Foreach | While | Fork


def given(fields: Map) -> Map:
    """The map without its None values: what is not set is not written."""
    return {key: value for key, value in fields.items() if value is not None}
