"""What all of the sandbox's services share, and how a request gets at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import cast

from flask import current_app

from scaiflow.sandbox.clock import Clock
from scaiflow.sandbox.config import Config
from scaiflow.sandbox.store import Store
from scaiflow.sandbox.switches import Switches


@dataclass
class Sandbox:
    """One running sandbox. `base_url` is known once the port is bound and is the issuer of all tokens."""

    config: Config
    store: Store
    base_url: str
    bunkers: Path
    clock: Clock = field(default_factory=Clock)
    switches: Switches = field(default_factory=Switches)
    # One run goes on at a time: two people may decide on two checkpoints of one run at once.
    resuming: RLock = field(default_factory=RLock)


def current() -> Sandbox:
    """The sandbox that serves the present request."""
    return cast("Sandbox", current_app.extensions["sandbox"])
