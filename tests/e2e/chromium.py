"""Debian's Chromium, driven: people at the console, and what their browser complains of."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

FOLDER = Path(__file__).parent
AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE, DESKTOP, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 860}, {"width": 1920, "height": 1080}
WAIT = 60_000  # milliseconds; it only keeps a test from hanging, for browsers begin slowly on a busy machine
COLOURS_HAVE_CHANGED = """Promise.allSettled(
  document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished))"""
SERIOUS = {"serious", "critical"}


def chromium_path() -> str:
    """Where there is none the tests are skipped, loudly. CI has one (.ci/run installs it), or the tests fail."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("CI"):
        pytest.fail("the browser tests need chromium, and CI does not skip them")
    if found is None:
        pytest.skip("NO CHROMIUM HERE: the console was NOT TESTED in a browser (apt-get install chromium)")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    path = chromium_path()
    expect.set_options(timeout=WAIT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def axe() -> str:
    """axe-core's source, by `npm ci` where it is missing."""
    if not AXE.is_file():
        with (FOLDER / ".installing").open("w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            if not AXE.is_file():
                subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--ignore-scripts"], cwd=FOLDER, check=True)
    return AXE.read_text()


def barriers(page: Page, *, in_both_schemes: bool = True) -> list[str]:
    """What axe-core finds serious on the page as it is, and of its colours in the other scheme. It is left in its own."""
    page.evaluate(axe())
    if not in_both_schemes:
        return serious(page, "{resultTypes: ['violations']}")
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    found = serious(page, "{resultTypes: ['violations']}")
    page.emulate_media(color_scheme="light" if is_dark else "dark")
    page.evaluate(COLOURS_HAVE_CHANGED)
    found += [f"other scheme: {one}" for one in serious(page, "{runOnly: ['color-contrast']}")]
    page.emulate_media(color_scheme="dark" if is_dark else "light")
    return found


def serious(page: Page, options: str) -> list[str]:
    found = page.evaluate(f"axe.run(document, {options})")
    return [
        f"{page.url}: {one['id']}: {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


class Person:
    """Somebody with a browser of their own. `complaints` are what its console said: errors, refused policies, crashes."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.address = address
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(WAIT)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))

    def _heard(self, message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        if message.type in {"error", "warning"} and (not url or url.startswith(self.address)):
            self.complaints.append(f"{url or self.page.url}: {message.text}")

    def is_refused(self, path: str, status: str = "404 (Not Found)") -> str:
        """What the browser complains of when that page is opened and must be refused: these words and no other."""
        return f"{self.address}{path}: Failed to load resource: the server responded with a status of {status}"

    def sign_in(self, user_id: str) -> Person:
        self.open("/")
        self.page.get_by_role("link", name="Sign in with ScaiKey").click()
        self.page.locator(f"button[value={user_id}]").click()
        self.page.wait_for_url(f"{self.address}/")
        return self

    def open(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def follow(self, link: str) -> Page:
        self.page.get_by_role("link", name=link, exact=True).first.click()
        return self.page

    def press(self, button: str) -> Page:
        self.page.get_by_role("button", name=button, exact=True).first.click()
        return self.page

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def settle(self) -> None:
        """Until the parts that the page asks for are there."""
        expect(self.page.locator(".htmx-request")).to_have_count(0, timeout=WAIT)

    def barriers(self) -> list[str]:
        return barriers(self.page)

    def overflow(self) -> list[str]:
        """Whether the page can be pushed to the side."""
        found = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        return [] if found[0] <= found[1] else [f"{self.page.url}: {found[0]} pixels on {found[1]}"]

    def leave(self) -> None:
        self.context.close()
