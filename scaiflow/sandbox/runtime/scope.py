"""Where a name comes from (docs/manifest.md, "Where a name comes from")."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scaiflow.sandbox.runtime.expressions.evaluator import Lookup


class Scope:
    """All names of one run. Lookups never fail: an unknown name is null."""

    def __init__(self, input: Any, variables: dict[str, Any], trigger_names: tuple[str, ...]) -> None:
        self.input = input
        self.variables = variables
        self.results: dict[str, Any] = dict.fromkeys(trigger_names, input)
        self.last_object: dict[str, Any] = {}
        self._loops: list[dict[str, Any]] = []

    def lookup(self, name: str) -> Any:
        """A name outside of a decision."""
        fields = self.input if isinstance(self.input, dict) else {}
        places = (*reversed(self._loops), self.variables, self.results, self.last_object, {"input": self.input}, fields)
        return next((place[name] for place in places if name in place), None)

    def deciding(self, subject: Any) -> Lookup:
        """Lookups inside a `when`: the subject and its fields come right behind the loops."""
        fields = subject if isinstance(subject, dict) else {}

        def lookup(name: str) -> Any:
            for place in (*reversed(self._loops), {"subject": subject}, fields):
                if name in place:
                    return place[name]
            return self.lookup(name)

        return lookup

    def record(self, bind: Any, result: Any) -> None:
        """A step has answered `result`."""
        if isinstance(bind, str):
            self.results[bind] = result
        if isinstance(result, dict):
            self.last_object = result

    @contextmanager
    def looping(self, **names: Any) -> Iterator[None]:
        """Loop variables for the length of one iteration."""
        self._loops.append(names)
        try:
            yield
        finally:
            self._loops.pop()
