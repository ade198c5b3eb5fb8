"""A long list of flows, walked through to its end while flows are added. How long its pages take is measured, with 100,000
flows, by `make bench-listing`; here the same program judges all but that, with fewer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.slow]
ROOT = Path(__file__).parents[2]


def walked(flows: int, *, milliseconds: int) -> tuple[int, list[str]]:
    """The verdict, and a line for each walk. In a database of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TEST_", "BENCH_", "DJANGO_"))}
    command = [sys.executable, "benchmarks/listing.py", "--flows", str(flows), "--milliseconds", str(milliseconds)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert not done.stderr, done.stderr
    return done.returncode, [line for line in done.stdout.splitlines() if "pages" in line]


def test_every_flow_comes_once_and_each_page_asks_the_same() -> None:
    verdict, walks = walked(20_000, milliseconds=2_000)
    assert verdict == 0, walks
    assert [line.endswith("every flow once") for line in walks] == [True] * 4
    assert all("at most 3 queries" in line for line in walks)
    assert "(20000 flows): 200 pages" in walks[0]


def test_a_page_that_takes_too_long_is_the_verdict_of_the_benchmark() -> None:
    assert walked(2_000, milliseconds=0)[0] == 1
