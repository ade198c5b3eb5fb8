"""What an entry of the table of kinds says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flows.compiler.actions import Action
from flows.compiler.fields import Field

Settings = dict[str, Any]
"""A node's config with every field of its kind: as given, else the default, else None."""

Step = dict[str, Any]
"""One step of a manifest, as plain data."""


@dataclass(frozen=True)
class Port:
    id: str
    label: str
    type: str = "object"


@dataclass(frozen=True)
class Problem:
    """Something wrong with a config that no single field can tell."""

    code: str
    message: str
    field: str | None = None


def no_checks(settings: Settings) -> Iterator[Problem]:
    """For kinds whose fields say it all."""
    yield from ()


IN = (Port("in", "in"),)
OUT = (Port("out", "out"),)


@dataclass(frozen=True)
class Kind:
    """One kind of node, whole: its config, its ports, its checks, and what it becomes.

    `lower` gives the action, from which the YAML step, the IR block and the .scai text are written; it is only called
    with settings that passed all checks. `lift` is the way back: the config that a step was made from, or None when
    the step is none of this kind's. `any_outputs`: a node without declared outputs takes any port name.
    """

    name: str
    family: str
    purpose: str
    ir: str
    step: str
    lower: Callable[[Settings], Action]
    lift: Callable[[Step], Settings | None]
    fields: tuple[Field, ...] = ()
    inputs: tuple[Port, ...] = IN
    outputs: tuple[Port, ...] = OUT
    any_outputs: bool = False
    check: Callable[[Settings], Iterator[Problem]] = no_checks

    @cached_property
    def is_entry(self) -> bool:
        return self.family == "entry"

    @cached_property
    def takes_scope(self) -> bool:
        """Whether its `scope` is a queue's, which nodes without one inherit from the flow."""
        return any(field.name == "scope" for field in self.fields)

    def filled_in(self, config: dict[str, Any]) -> dict[str, Any]:
        """The config without its blank fields: an emptied box of a form is one that was not filled in. The one place of this
        rule, which everything behind the reading of a document goes by. Keys that the kind does not know stay."""
        blank = {field.name for field in self.fields if field.name in config and field.is_blank(config[field.name])}
        return {name: value for name, value in config.items() if name not in blank} if blank else config

    def settings(self, config: dict[str, Any]) -> Settings:
        """What was filled in, over the defaults. Keys that the kind does not know are left out."""
        return {field.name: config.get(field.name, field.default) for field in self.fields}
