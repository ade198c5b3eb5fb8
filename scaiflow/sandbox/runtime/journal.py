"""What a run has already done, so that it can be taken up again: after a checkpoint, also in another process.

A suspended run is resumed by walking its program from the start with the same journal. Whatever the journal knows is
taken from it: a model is not asked twice, a message is not sent twice, a decision is not taken anew. So a run needs no
stack of its own to survive a restart; the journal is plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from scaiflow.sandbox.runtime.errors import ExpressionError, StepFailed

_FAILED = "!why"


class Journal:
    """Entries by the place in the run: `steps[2].foreach[0].steps[1]`."""

    def __init__(self, entries: dict[str, Any] | None = None, prefix: str = "") -> None:
        self.entries = entries if entries is not None else {}
        self._prefix = prefix

    def inside(self, place: str) -> Self:
        """The same journal for a run inside this one (a called Core), whose places all start with `place`."""
        return type(self)(self.entries, f"{self._prefix}{place}>")

    def where(self, place: str) -> str:
        """The place as the whole run knows it."""
        return f"{self._prefix}{place}"

    def once(self, place: str, compute: Callable[[], Any]) -> Any:
        """The value that `compute` gave the first time this place was reached; a failure is kept like a value."""
        key = self.where(place)
        if f"{key}{_FAILED}" in self.entries:
            raise StepFailed(self.entries[f"{key}{_FAILED}"])
        if key not in self.entries:
            try:
                self.entries[key] = compute()
            except (StepFailed, ExpressionError) as failure:
                self.entries[f"{key}{_FAILED}"] = str(failure)
                raise
        return self.entries[key]

    def shared(self, name: str, compute: Callable[[], Any]) -> Any:
        """Like `once`, but one value for the whole run, inside the Cores that it calls too."""
        return type(self)(self.entries).once(f"${name}", compute)

    def knows(self, place: str) -> bool:
        return self.where(place) in self.entries

    def first(self, place: str) -> bool:
        """True the first time it is asked for this place, for what must happen once."""
        fresh = not self.knows(place)
        self.entries[self.where(place)] = True
        return fresh
