"""The API's reference in a real browser: it is drawn under its strict policy, and a call can be tried from it."""

from __future__ import annotations

import pytest
from playwright.sync_api import ConsoleMessage

from scaiflow.console.visitor import Visitor
from tests.e2e.chromium import WAIT, barriers, chromium

pytestmark = [pytest.mark.process, pytest.mark.slow]


def test_the_reference_is_drawn_without_a_complaint_and_a_call_can_be_tried(stage: Visitor) -> None:
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    with chromium() as browser:
        page = browser.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{stage.base_url}/api/docs")
        page.get_by_role("heading", name="ScaiFlow").first.wait_for(timeout=WAIT)
        page.locator(".opblock").nth(50).wait_for(timeout=WAIT)
        wrong = barriers(page)
        call = page.locator("#operations-auth-signin_config")
        call.locator(".opblock-summary-control").click()
        call.get_by_role("button", name="Try it out").click()
        call.get_by_role("button", name="Execute").click()
        told = call.locator(".live-responses-table .highlight-code, .live-responses-table .microlight").first
        told.wait_for(timeout=WAIT)
        assert "scaikey_base_url" in told.inner_text()
    assert complaints == []
    assert wrong == []
