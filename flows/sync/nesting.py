"""How deep shared types nest, bounded from what is cheap to count.

yrs goes down by recursion when something is deleted, and ends the process between 20,000 and 40,000 levels on 8 MiB of
stack. A level is added by each type that is put into another, be it in an update of its own. So types are counted,
generously; and when there are many since the last time, the whole document is tried out in another process (trial.py).
"""

from __future__ import annotations

import re

# A struct that holds a type: its kind in the low five bits of its first byte; then whose neighbour it is (one or two ids of
# two numbers), or whose child (0 and an id, or 1 and a name); and at last which type, a small number. What begins as a
# child's is rare in texts and in numbers, so more of it is not read. Matches may overlap, so that none can hide another.
_NUMBER = rb"[\x80-\xff]{0,10}[\x00-\x7f]"
_OF_A_NEIGHBOUR = re.compile(rb"(?=[\x47\x67\x87\xa7]" + _NUMBER * 2 + rb"[\x00-\x0f\x80-\xff])", re.DOTALL)
_OF_TWO = re.compile(rb"(?=[\xc7\xe7]" + _NUMBER * 4 + rb"[\x00-\x0f\x80-\xff])", re.DOTALL)
_OF_A_PARENT = (b"\x07", b"\x27")
_FIRST_BYTES = (b"\x07", b"\x27", b"\x47", b"\x67", b"\x87", b"\xa7", b"\xc7", b"\xe7")
# So many may come untried, in one update and beside a document; the trial has a sixteenth of a stack, which ends at about as
# many levels. A document that was tried, twice as many beside it and two such updates are still half of what is harmless.
MOST_UNTRIED = 2_000
PIECE = 200_000  # bytes, so that others get their turn
LONGEST = 1 + 4 * 11 + 1
# One struct of one client: its id, a clock, and then the byte that tells the kind.
_THE_ONLY_ONE = re.compile(rb"\x01\x01" + _NUMBER * 2 + rb"([\x00-\xff])", re.DOTALL)
TYPE, KIND = 7, 0x1F


def types_in(update: bytes, *, enough: int = MOST_UNTRIED) -> int:
    """At least as many as an update holds, when that is not more than `enough`; else more than `enough`."""
    only = _THE_ONLY_ONE.match(update)
    if only and only[1][0] & KIND != TYPE:
        return 0  # as nearly all are that people make, word by word
    at_most = sum(map(update.count, _FIRST_BYTES))
    if at_most <= min(enough, 2):
        return at_most
    found = sum(map(update.count, _OF_A_PARENT))
    for at in range(0, len(update), PIECE):
        piece = update[at : at + PIECE + LONGEST]
        found += len(_OF_A_NEIGHBOUR.findall(piece)) + len(_OF_TWO.findall(piece))
        if found > enough:
            break
    return found
