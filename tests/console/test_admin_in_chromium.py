"""The admin in a real browser: it runs under the strict policy without a complaint, and an act can be done by clicking."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page, sync_playwright

from tenants.models import User
from tests.console.test_admin import Enter, enter, pages_with_rows, tenants  # noqa: F401  fixtures
from tests.e2e.chromium import barriers
from tests.test_tenants_apart import Tenant

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


class Watched:
    """A page, and what its console complains of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def barriers(self, *, in_both_schemes: bool = True) -> list[str]:
        """What axe-core itself does to a page, which the policy does not like, is not the page's."""
        said = len(self.complaints)
        found = barriers(self.page, in_both_schemes=in_both_schemes)
        del self.complaints[said:]
        return found


@pytest.fixture
def cookie(settings: Any, tenants: dict[str, Tenant], enter: Enter, live_server: Any) -> dict[str, str]:  # noqa: F811
    """A super admin's session. (Cookies with the prefix of production need TLS.)"""
    settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE = "session", False
    settings.CSRF_COOKIE_NAME, settings.CSRF_COOKIE_SECURE = "csrf", False
    User.objects.create(id="usr_someone", tenant_id="tnt_red", email="someone@demo.test")
    return {"name": "session", "value": enter("super_admin").cookies["session"].value, "url": live_server.url}


def test_no_page_of_the_admin_has_a_barrier_or_makes_the_browser_complain(cookie: Any, live_server: Any) -> None:
    addresses = list(pages_with_rows())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        context = browser.new_context()
        context.add_cookies([cookie])
        watched, wrong = Watched(context.new_page()), list[str]()
        for address in addresses:
            answer = watched.page.goto(live_server.url + address)
            assert answer, address
            assert answer.status == 200, address
            wrong += watched.barriers(in_both_schemes=not address.endswith("/change/"))
        wrong += make_somebody_an_admin(watched, live_server.url)
        browser.close()
    assert wrong == []
    assert watched.complaints == []
    assert User.objects.get(id="usr_someone").admin_role == "tenant_admin"


def make_somebody_an_admin(watched: Watched, address: str) -> list[str]:
    """The barriers on the page that asks."""
    page = watched.page
    page.goto(f"{address}/admin/tenants/user/?q=usr_someone")
    page.get_by_role("checkbox", name="Select this object for an action").check()
    page.get_by_label("Action:").select_option("make_tenant_admin")
    page.get_by_role("button", name="Run the selected action").or_(page.get_by_role("button", name="Go")).click()
    found = watched.barriers()
    page.get_by_role("button", name="Yes: make tenant admin").click()
    page.get_by_text("is tenant_admin now").wait_for()
    return found
