"""How much of a document's log a snapshot does not hold yet, and whether it is time to make a new one."""

from __future__ import annotations

from dataclasses import dataclass

# Making a snapshot costs as much as the whole document. It pays when the log weighs as much, so that the cost of all of them
# stays in proportion to what is written; and it must be when there are too many entries to be read by who joins.
FEW, MANY, FEW_AT_REST = 500, 5_000, 50
HEAVY = 8_000_000  # bytes: as good as many entries


@dataclass
class Backlog:
    entries: int = 0
    weight: int = 0  # bytes
    snapshot_weight: int = 0

    def add(self, change: bytes) -> None:
        self.entries += 1
        self.weight += len(change)

    @property
    def is_due(self) -> bool:
        is_worth_it = self.weight >= self.snapshot_weight and (self.entries >= FEW or self.weight >= HEAVY)
        return is_worth_it or self.entries >= MANY

    @property
    def is_due_at_rest(self) -> bool:
        return self.entries >= FEW_AT_REST

    def empty(self) -> None:
        """A snapshot is about to be made, of all there is."""
        self.entries = self.weight = 0
