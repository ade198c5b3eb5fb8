"""What all of the sandbox's services share, and how a request gets at it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import RLock
from typing import cast

from flask import current_app

from scaiflow.sandbox.clock import Clock
from scaiflow.sandbox.config import Config
from scaiflow.sandbox.ids import Ids
from scaiflow.sandbox.store import Body, Store
from scaiflow.sandbox.switches import Switches

_SETTING = "setting"


@dataclass
class Sandbox:
    """One running sandbox. `base_url` is known once the port is bound and is the issuer of all tokens.

    The clock's lead and the switches are kept in the store and read back: what waits is to come due after a restart
    as before it.
    """

    config: Config
    store: Store
    base_url: str
    bunkers: Path
    clock: Clock = field(init=False)
    switches: Switches = field(init=False)
    ids: Ids = field(init=False)
    # One run goes on at a time: two people may decide on two checkpoints of one run at once.
    resuming: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        self.clock = Clock(self._kept("clock").get("ahead_seconds", 0.0))
        self.switches = Switches()
        self.switches.change(self._kept("switches"))
        start = self._kept("starts").get("number", 0) + 1
        self.store.put(_SETTING, "starts", {"number": start})
        self.ids = Ids(self.config.seed, start)

    def _kept(self, name: str) -> Body:
        found = self.store.get(_SETTING, name)
        return found.body if found else {}

    def advance(self, seconds: float) -> None:
        """Move the sandbox's time forwards."""
        self.clock.advance(seconds)
        self.store.put(_SETTING, "clock", {"ahead_seconds": self.clock.ahead_seconds})

    def switch(self, wanted: Body) -> list[str]:
        """Set the named switches; returns what is wrong with the request, nothing is set then."""
        wrong = self.switches.change(wanted)
        if not wrong:
            self.store.put(_SETTING, "switches", asdict(self.switches))
        return wrong


def current() -> Sandbox:
    """The sandbox that serves the present request."""
    return cast("Sandbox", current_app.extensions["sandbox"])
