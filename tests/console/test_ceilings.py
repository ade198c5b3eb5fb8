"""No page asks the database more often the more there is: at most 15 queries, in a full house. (Milliseconds: `make
bench-pages`.)"""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from scaiflow.console import urls
from tests.console.full_house import PAGES, answer_for, fill_house
from tests.console.visitors import Visitor
from tests.e2e.pages import PAGES as LOOKED_AT
from tests.loopback import Service

MOST = 15
NOT_A_PAGE = {"flows/<id:flow_id>/runs/stream": "an event stream (tests/e2e/test_live.py)"}


def test_every_page_that_there_is_is_measured() -> None:
    measured = {get_resolver().resolve(page.partition("?")[0]).route for page in PAGES}
    for pattern in urls.urlpatterns:
        if "GET" in pattern.callback.view_class.permissions and str(pattern.pattern) not in NOT_A_PAGE:
            assert str(pattern.pattern) in measured, f"{pattern.pattern} is not in full_house.PAGES"


NOTHING_TO_LOOK_AT = {
    **NOT_A_PAGE,
    "flows/<id:flow_id>/runs/short": "a part of the page of runs, which is looked at",
    "flows/<id:flow_id>/export": "a file",
    "flows/<id:flow_id>/tests/<id:run_id>.xml": "a file",
    "catalog/<id:package_id>/download": "a file",
    "settings/audit.csv": "a file",
}


def test_every_page_that_there_is_is_looked_at_in_a_browser() -> None:
    """By axe-core, at every width (tests/e2e/test_console.py), and by `make shots`."""
    ids = {
        "flow": "/flows/x",
        "flow_id": "x",
        "job": "/jobs/x",
        "test_run": "/flows/x/tests/x",
        "checkpoint": "/checkpoints/x",
    }
    looked_at = {get_resolver().resolve(page.format(**ids).partition("?")[0]).route for page in LOOKED_AT}
    there = {str(one.pattern) for one in urls.urlpatterns if "GET" in one.callback.view_class.permissions}
    assert sorted(there - looked_at) == sorted(NOTHING_TO_LOOK_AT)


def test_every_page_has_a_ceiling_however_much_there_is(sam_at: Visitor, scaigrid: Service) -> None:
    fill_house()
    answer_for(scaigrid)
    too_many = {}
    for page in PAGES:
        with CaptureQueriesContext(connection) as asked:
            answer = sam_at.get(page)
            body = answer.getvalue()  # streamed ones ask while they are read
        assert answer.status_code == 200, (page, body.decode()[:2000])
        if len(asked) > MOST:
            too_many[page] = [len(asked), *(query["sql"][:200] for query in asked)]
    assert too_many == {}
