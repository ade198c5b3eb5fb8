"""How large a document is, and how deep it nests: known as bounds, and looked at only when a bound is too much."""

from __future__ import annotations

import time

from django.conf import settings

from flows.sync.document import Document, has_structs
from flows.sync.nesting import MOST_UNTRIED
from scaiflow.kit.ws import TOO_LARGE, TRY_AGAIN, Close

# Measuring costs as much as the whole document. Near its limit that must not be for every word.
MEASURED_AGAIN_SECONDS = 1.0
MEASURED_AGAIN_SHARE = 64  # of the limit, since it was measured
TOO_DEEP = Close(TOO_LARGE, "this document nests too deep; delete something")
BEING_TRIED = Close(TRY_AGAIN, "this document is being looked at; come back")


class Size:
    def __init__(self, at_most: int) -> None:
        """`at_most`: bytes of all that is stored of it. What was overwritten is among them until it is measured."""
        self._most = int(settings.MAX_DOCUMENT_BYTES)
        self._at_most = at_most
        self._measured, self._measured_at = 0, float("-inf")

    def add(self, change: bytes) -> None:
        self._at_most += len(change)

    def refusal(self, update: bytes, document: Document) -> Close | None:
        """For an update that is, with the document, larger than its limit, whatever it takes away. What only deletes is
        always welcome: it makes room. Raises BadUpdate."""
        if self._at_most + len(update) <= self._most or not has_structs(update):
            return None
        if self._is_time_to_measure():
            self._at_most = self._measured = len(document.since())
            self._measured_at = time.monotonic()
        if self._at_most + len(update) <= self._most:
            return None
        return Close(TOO_LARGE, f"this document may have no more than {self._most} bytes; delete something")

    def _is_time_to_measure(self) -> bool:
        is_long_ago = time.monotonic() - self._measured_at > MEASURED_AGAIN_SECONDS
        return is_long_ago or self._at_most - self._measured > self._most // MEASURED_AGAIN_SHARE


class Depth:
    """Types in types, up to which no process is harmed (sync/nesting.py). Counted here, and tried out by the hub."""

    def __init__(self, types: int) -> None:
        """`types`: at least as many as are stored, or more than MOST_UNTRIED."""
        self._types = types
        self._is_in_trial = self._is_too_deep = False

    @property
    def is_due(self) -> bool:
        return self._types > MOST_UNTRIED and not self._is_in_trial

    def add(self, types: int) -> None:
        self._types += types

    def refusal(self, types: int) -> Close | None:
        """For an update of so many types. What puts none in is always welcome. Also a trial is waited for: until then there
        are no more of them than may be untried, and one update that was tried by itself, before it and while it goes on."""
        if not types:
            return None
        if self._is_too_deep:
            return TOO_DEEP
        return BEING_TRIED if self._types > MOST_UNTRIED else None

    def begin_trial(self) -> None:
        self._types, self._is_in_trial = 0, True

    def end_trial(self, *, is_too_deep: bool) -> None:
        self._is_in_trial, self._is_too_deep = False, is_too_deep
