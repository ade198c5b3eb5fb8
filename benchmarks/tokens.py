"""How long a bad token takes to be refused: every attack of tests/tenants/test_tokens.py, and a good token beside them.

    python benchmarks/tokens.py

Prints the median microseconds of `check_token` for each, slowest first, and the spread between the slowest and the fastest
forgery. Each is one check of a signature; what is left of the spread is parsing (a long forgery takes longer than a short
one, which its sender knows). Ends with 1 when a forgery takes less than half or more than four times the time of a
signature that is wrong.
"""

# ruff: noqa: E402  Django is set up before its models can be imported
from __future__ import annotations

import contextlib
import logging
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings

from scaiflow.kit.errors import Unauthenticated
from tenants.tokens import check_token
from tests.loopback import serving
from tests.scaikey import ScaiKey
from tests.tenants.test_tokens import ATTACKS

ROUNDS, MOST, YARDSTICK = 400, 4, "somebody else's key under our id"


def microseconds(token: str) -> float:
    started = time.perf_counter()
    with contextlib.suppress(Unauthenticated):
        check_token(token)
    return (time.perf_counter() - started) * 1e6


def medians(tokens: dict[str, str]) -> dict[str, float]:
    """Of all tokens in turn, round by round, so that a slow moment of the machine falls on all of them."""
    times: dict[str, list[float]] = {name: [] for name in tokens}
    for _ in range(ROUNDS):
        for name, token in tokens.items():
            times[name].append(microseconds(token))
    return {name: statistics.median(of_one) for name, of_one in times.items()}


def main() -> None:
    logging.disable()
    with serving(ScaiKey()) as scaikey:
        settings.SCAIKEY_BASE_URL = scaikey.url
        good: str = scaikey.token()  # type: ignore[attr-defined]
        measured = medians({"a good token": good} | {name: make(scaikey) for name, make in ATTACKS.items()})
    for name, median in sorted(measured.items(), key=lambda pair: -pair[1]):
        print(f"{median:8.1f} us  {name}")
    del measured["a good token"]
    usual, slowest, fastest = measured[YARDSTICK], max(measured.values()), min(measured.values())
    print(f"{len(measured)} forgeries: {fastest:.1f} to {slowest:.1f} us, a wrong signature {usual:.1f} us")
    sys.exit(slowest > MOST * usual or fastest < usual / 2)


if __name__ == "__main__":
    main()
