"""What a test fixture expects of an output. Pure. (spec: api.md, run-tests)"""

from __future__ import annotations

from typing import Any


def is_met(expected: Any, actual: Any) -> bool:
    """`expected` is a deep subset of `actual`: every key of an object is there and met, lists match element by element
    and have one length, numbers are equal as numbers, and `true` is not `1`."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(
            key in actual and is_met(value, actual[key]) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(actual, list)
            and len(expected) == len(actual)
            and all(is_met(one, other) for one, other in zip(expected, actual, strict=True))
        )
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return bool(expected == actual)
