"""How long a list of flows takes for somebody who sees through groups: 10,000 flows, 1,000 access entries, 50 groups.

    python benchmarks/rights.py            (a database of its own, gone afterwards)

Prints one line: queries and milliseconds (median, p95) of GET /api/v1/flows through the whole stack, token check included.
Ends with 1 above 4 queries or 50 ms median.
"""

# ruff: noqa: E402  Django is set up before its models can be imported
from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flows.models import Flow, FlowACL
from tenants.models import Group, Membership, User
from tests.conftest import Caller
from tests.loopback import serving
from tests.scaikey import ScaiKey

FLOWS, ENTRIES, GROUPS, ROUNDS = 10_000, 1_000, 50, 100
MOST_QUERIES, MOST_MILLISECONDS = 4, 50


def fill() -> None:
    """The flows of a colleague; of the entries nine in ten are for groups of usr_guest, the others for them alone."""
    User.objects.create(id="usr_guest", tenant_id="tnt_demo")
    groups = [Group(id=f"grp_{n}", tenant_id="tnt_demo") for n in range(GROUPS)]
    Group.objects.bulk_create(groups)
    Membership.objects.bulk_create(Membership(group=g, user_id="usr_guest", tenant_id="tnt_demo") for g in groups)
    flows = [
        Flow(tenant_id="tnt_demo", owner_id="usr_ada", name=f"Flow {n}", name_folded=f"flow {n}", version="1.0.0")
        for n in range(FLOWS)
    ]
    Flow.objects.bulk_create(flows, batch_size=500)
    FlowACL.objects.bulk_create(entry(number, flows[number * (FLOWS // ENTRIES)]) for number in range(ENTRIES))


def entry(number: int, flow: Flow) -> FlowACL:
    kind, principal = ("user", "usr_guest") if number % 10 == 0 else ("group", f"grp_{number % GROUPS}")
    return FlowACL(flow=flow, principal_type=kind, principal_id=principal, level=number % 4 + 1, granted_by="usr_ada")


def measure(caller: Caller) -> tuple[int, list[float]]:
    page: Any = caller.get("/api/v1/flows").json()
    with CaptureQueriesContext(connection) as queries:
        caller.get("/api/v1/flows")
    asked = len(queries)
    if (page["total"], len(page["items"])) != (ENTRIES, 100):
        raise SystemExit(f"expected {ENTRIES} flows, was told {page['total']}")
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        caller.get("/api/v1/flows")
        times.append((time.perf_counter() - started) * 1000)
    return asked, sorted(times)


def main() -> None:
    import logging

    from django.conf import settings

    logging.disable()
    call_command("migrate", verbosity=0)
    fill()
    with serving(ScaiKey()) as scaikey:
        settings.SCAIKEY_BASE_URL = scaikey.url
        queries, times = measure(Caller(scaikey.token(sub="usr_guest")))  # type: ignore[attr-defined]
    median = statistics.median(times)
    print(f"list of flows: {queries} queries, median {median:.1f} ms, p95 {times[int(ROUNDS * 0.95)]:.1f} ms")
    sys.exit(exit_code(queries=queries, median=median))


def exit_code(*, queries: int, median: float) -> int:
    return int(queries > MOST_QUERIES or median > MOST_MILLISECONDS)


if __name__ == "__main__":
    main()
