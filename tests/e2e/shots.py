"""`make shots`: every page of the console, and of the admin every list and a row of it, at both widths and in both schemes,
into var/shots; and how long each took."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.chromium import Person
from tests.e2e.pages import PAGES
from tests.e2e.story import SIZES, Stage, live_in, set_up

FOLDER = Path(__file__).parents[2] / "var" / "shots"
TIMING = "(([it]) => it.responseStart - it.requestStart)(performance.getEntriesByType('navigation'))"


def name_of(path: str) -> str:
    """`{flow}/diff?from=1.0.0` -> "flow-diff-from-1-0-0"."""
    return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "home"


def admin_pages(person: Person) -> list[str]:
    """Home, each list, and the first row of each list that has one."""
    lists = links(person.open("/admin/"), "#content-main th a")
    rows = [row for path in lists for row in links(person.open(path), "#result_list tbody tr:first-child th a")[:1]]
    return ["/admin/", *lists, *rows]


def links(page: Page, chosen: str) -> list[str]:
    found: list[str] = page.locator(chosen).evaluate_all("links => links.map(link => link.getAttribute('href'))")
    return found


def file_of(path: str) -> str:
    """Ids change from run to run: `/admin/flows/flow/flow_5Fx/change/` -> "admin-flows-flow-change"."""
    return name_of(re.sub(r"/[^/]+/change/$", "/change/", path))


def shoot(stage: Stage, ids: dict[str, str], size: str, scheme: str) -> dict[str, float]:
    """The milliseconds until each page's first byte."""
    folder = FOLDER / f"{size}-{scheme}"
    folder.mkdir(parents=True)
    sam = stage.person("usr_sam", size, color_scheme=scheme)
    took = {}
    for path in (*PAGES, "/api/docs", *admin_pages(sam)):
        page = sam.open(path.format(**ids))
        took[path] = float(page.evaluate(TIMING))
        sam.settle()
        page.screenshot(path=folder / f"{file_of(path)}.png", full_page=True)
    sam.leave()
    stranger = Person(stage.browser, stage.address, viewport=SIZES[size], color_scheme=scheme)
    stranger.open("/flows").screenshot(path=folder / "sign-in.png")
    stranger.leave()
    return took


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")  # the stage reads a limit there
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="scaiflow-shots-") as name, set_up(Path(name)) as stage:
        ids = live_in(stage)
        for size in SIZES:
            for scheme in ("light", "dark"):
                took = shoot(stage, ids, size, scheme)
                slowest = max(took, key=lambda path: took[path])
                sys.stdout.write(f"{size} {scheme}: {len(took)} pages; slowest {slowest}, {took[slowest]:.0f} ms\n")
    sys.stdout.write(f"in {FOLDER}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
