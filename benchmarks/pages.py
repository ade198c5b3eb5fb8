"""How long the console's pages take in a full house: 1,000 flows, people, jobs and packages, 10,000 entries of the
audit log, and 10,000 events of the Core that the pages of runs look at.

    python benchmarks/pages.py            (a database of its own, gone afterwards)

Prints queries and milliseconds (median of 7) of every page through the whole stack. Ends with 1 above 15 queries or 200 ms.
"""

# ruff: noqa: E402  Django is set up before its models can be imported
from __future__ import annotations

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
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext, setup_test_environment

from tests.console.full_house import PAGES, answer_for, fill_house
from tests.console.visitors import Visitor, remember
from tests.loopback import Service, serving
from tests.scaikey import ScaiKey

ROUNDS, MOST_QUERIES, MOST_MILLISECONDS = 7, 15, 200


def measure(sam: Visitor, page: str) -> tuple[int, float]:
    with CaptureQueriesContext(connection) as asked:
        answer = sam.get(page)
        answer.getvalue()  # a streamed one asks while it is read
        queries = len(asked)  # now: the next request empties the log
    assert answer.status_code == 200, (page, answer.status_code)
    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        sam.get(page).getvalue()
        took.append((time.perf_counter() - started) * 1000)
    return queries, statistics.median(took)


def main() -> int:
    logging.disable(logging.CRITICAL)
    setup_test_environment()
    call_command("migrate", verbosity=0)
    fill_house()
    with serving(ScaiKey()) as scaikey, serving(Service()) as scaigrid:
        settings.SCAIKEY_BASE_URL, settings.SCAIGRID_BASE_URL = scaikey.url, scaigrid.url
        settings.SCAIGRID_ALLOWED_HOSTS = ["127.0.0.1"]
        answer_for(scaigrid)
        remember("usr_sam", tenant="tnt_platform", admin_role="super_admin")
        sam = Visitor(scaikey).let_in("usr_sam", tenant="tnt_platform", scope="scaicore:view scaicore:manage")
        found = {page: measure(sam, page) for page in PAGES}
    for page, (queries, milliseconds) in found.items():
        print(f"{milliseconds:7.1f} ms {queries:3d} queries  {page}")
    too_slow = [page for page, (q, ms) in found.items() if q > MOST_QUERIES or ms > MOST_MILLISECONDS]
    print(f"above {MOST_QUERIES} queries or {MOST_MILLISECONDS} ms: {too_slow or 'none'}")
    return 1 if too_slow else 0


if __name__ == "__main__":
    sys.exit(main())
