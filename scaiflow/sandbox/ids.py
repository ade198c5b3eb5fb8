"""Opaque ids of what the sandbox makes: `core_` + 22 hex digits."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from threading import Lock


class Ids:
    """Random ones; with a seed those that follow from it, so that the same calls make the same ids.

    `start` counts the starts on one state file: what is made after a restart must not be named as what was made before.
    No secret is ever named here: whoever knows the seed knows the ids.
    """

    def __init__(self, seed: str | None, start: int) -> None:
        self._seed, self._start, self._lock = seed, start, Lock()
        self._made: Counter[str] = Counter()

    def new(self, prefix: str) -> str:
        if self._seed is None:
            return f"{prefix}_{secrets.token_hex(11)}"
        with self._lock:
            self._made[prefix] += 1
            name = json.dumps([self._seed, self._start, prefix, self._made[prefix]])
        return f"{prefix}_{hashlib.sha256(name.encode()).hexdigest()[:22]}"
