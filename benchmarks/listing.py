"""How long a page of flows takes in a tenant that has 100,000, page by page to the end, while flows are added.

    python benchmarks/listing.py                                   (SQLite, a database of its own, gone afterwards)
    BENCH_DB_URL=postgres://... python benchmarks/listing.py       (an empty database, which is filled and left so)
    python benchmarks/listing.py --flows 20000 --milliseconds 1000 (for a busy machine: tests/flows/test_long_list.py)

Prints one line for each way to walk through the list: pages, queries a page, milliseconds (median, p95, slowest) of GET
/api/v1/flows through the whole stack, token check included; and then the first page of each filter. Ends with 1 when a
walk repeats or misses a flow, asks more than 3 queries a page, or takes more milliseconds than it may for its p95.
"""

# ruff: noqa: E402  Django is set up before its models can be imported
from __future__ import annotations

import argparse
import logging
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

import tests.settings
from scaiflow import env

if os.environ.get("BENCH_DB_URL"):
    tests.settings.DATABASES["default"] = env.database("BENCH_DB_URL", "")
django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flows.models import Deployment, Flow, FlowACL, FlowTag
from tenants.models import Group, Membership, User
from tests.conftest import Caller
from tests.drawings import greeting
from tests.loopback import serving
from tests.scaikey import ScaiKey

BATCH, PAGE, GROUPS = 2_000, 100, 50
MOST_QUERIES, MOST_MILLISECONDS = 3, 50
ROAD = "/api/v1/flows"
FILTERS: dict[str, dict[str, Any]] = {
    "tag that all have": {"tag": "all"},
    "tag that 1 in 50 has": {"tag": "t7"},
    "tag that 20 have": {"tag": "rare"},
    "two tags": {"tag": ["all", "t7"]},
    "word that 1 in 180 has": {"q": "word0042"},
    "word that nobody has": {"q": "nowhere"},
    "two words": {"q": "word0042 word0099"},
    "name that nobody has": {"search": "nowhere"},
    "owner of all": {"owner_id": "usr_ada"},
    "owner of 1 in 100": {"owner_id": "usr_few"},
    "deployed": {"deployed": "true"},
    "not deployed": {"deployed": "false"},
}


def fill(count: int) -> None:
    """One flow in 100 is usr_few's, the others usr_ada's; usr_guest sees one in 10 through groups; usr_few owns some and
    sees nothing else. Descriptions are 28 words long, of 5,000."""
    chance = random.Random(7)
    words = [f"word{number:04}" for number in range(5000)]
    User.objects.create(id="usr_tara", tenant_id="tnt_demo", admin_role="tenant_admin", admin_role_source="manual")
    groups = [Group(id=f"grp_{number}", tenant_id="tnt_demo") for number in range(GROUPS)]
    User.objects.create(id="usr_guest", tenant_id="tnt_demo")
    Group.objects.bulk_create(groups)
    Membership.objects.bulk_create(Membership(group=g, user_id="usr_guest", tenant_id="tnt_demo") for g in groups)
    for start in range(0, count, BATCH):
        flows = [flow(number, " ".join(chance.choices(words, k=28))) for number in range(start, start + BATCH)]
        Flow.objects.bulk_create(flows)
        FlowTag.objects.bulk_create(FlowTag(flow=each, tag=tag) for each in flows for tag in each.tags)
        FlowACL.objects.bulk_create(
            FlowACL(flow=each, principal_type="group", principal_id=f"grp_{number % GROUPS}", level=2)
            for number, each in enumerate(flows[::10])
        )
        Deployment.objects.bulk_create(
            Deployment(flow=each, core_id="core", flow_version="1.0.0", status="deployed") for each in flows[::20]
        )
    if connection.vendor == "postgresql":  # which would do it by itself, a minute later; SQLite never does
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def flow(number: int, description: str) -> Flow:
    tags = ["all", f"t{number % 50}", *(["rare"] if number % 5000 == 0 else [])]
    moment = timezone.now() - timedelta(days=400) + timedelta(seconds=37 * (number // 3))  # of three each the same
    return Flow(
        tenant_id="tnt_demo", owner_id="usr_few" if number % 100 == 7 else "usr_ada", name=f"Flow {number}", tags=tags,
        name_folded=f"flow {number}", description=description, search_folded=f"flow {number}\n{description}",
        version="1.0.0", updated_at=moment, created_at=moment,
    )  # fmt: skip


def walk(caller: Caller, expected: set[str], add: Callable[[], None]) -> tuple[int, list[float], bool]:
    """The most queries of a page, the milliseconds of each, and whether every expected flow came exactly once."""
    seen: list[str] = []
    times, asked, cursor = [], 0, ""
    while cursor is not None:
        with CaptureQueriesContext(connection) as queries:
            started = time.perf_counter()
            page = caller.get(ROAD, {"limit": PAGE, "cursor": cursor})
            times.append((time.perf_counter() - started) * 1000)
        asked = max(asked, len(queries))
        told: Any = page.json()
        seen += [item["id"] for item in told["items"]]
        cursor = told["next_cursor"]
        if len(times) % 10 == 0:
            add()
    return asked, times, len(seen) == len(set(seen)) and set(seen) == expected


def visible(**filters: Any) -> set[str]:
    return set(Flow.objects.filter(**filters).values_list("id", flat=True))


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--flows", type=int, default=100_000)
    parser.add_argument("--milliseconds", type=float, default=MOST_MILLISECONDS, help="that p95 may be")
    return parser.parse_args()


def main() -> None:
    asked_for = arguments()
    logging.disable()
    call_command("migrate", verbosity=0)
    fill(asked_for.flows)
    good = True
    with serving(ScaiKey()) as scaikey:
        settings.SCAIKEY_BASE_URL = scaikey.url
        people = {name: Caller(scaikey.token(sub=name, tenant_id="tnt_demo")) for name in PEOPLE}  # type: ignore[attr-defined]
        for name, (told, filters) in PEOPLE.items():
            expected = visible(**filters)
            asked, times, is_whole = walk(people[name], expected, lambda: added(people["usr_ada"]))
            p95 = percentile(times, 0.95)
            good = good and is_whole and asked <= MOST_QUERIES and p95 <= asked_for.milliseconds
            print(
                f"{told} ({len(expected)} flows): {len(times)} pages, at most {asked} queries, median"
                f" {statistics.median(times):.1f} ms, p95 {p95:.1f} ms, slowest {max(times):.1f} ms,"
                f" {'every flow once' if is_whole else 'FLOWS REPEATED OR MISSED'}"
            )
        for name, query in FILTERS.items():
            print(f"  first page of '{name}': {first_page(people['usr_tara'], query)}")
    sys.exit(not good)


PEOPLE: dict[str, tuple[str, dict[str, Any]]] = {
    "usr_tara": ("the tenant's admin", {}),
    "usr_ada": ("who owns nearly all", {"owner_id": "usr_ada"}),
    "usr_guest": ("who sees through 50 groups", {"acls__isnull": False}),
    "usr_few": ("who owns few", {"owner_id": "usr_few"}),
}


def added(caller: Caller) -> None:
    assert caller.post(ROAD, {"name": "Late", "content": greeting()}).status_code == 201


def first_page(caller: Caller, query: dict[str, Any]) -> str:
    times = []
    for _ in range(5):
        started = time.perf_counter()
        page: Any = caller.get(ROAD, query).json()
        times.append((time.perf_counter() - started) * 1000)
    return f"{page['total']} found, median {statistics.median(times):.1f} ms"


if __name__ == "__main__":
    main()
