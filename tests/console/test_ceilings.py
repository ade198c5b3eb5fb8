"""No page asks the database more often the more there is: at most 15 queries, in a full house. (Milliseconds: `make
bench-pages`.)"""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.console.full_house import PAGES, answer_for, fill_house
from tests.console.visitors import Visitor
from tests.loopback import Service

MOST = 15


def test_every_page_has_a_ceiling_however_much_there_is(sam_at: Visitor, scaigrid: Service) -> None:
    fill_house()
    answer_for(scaigrid)
    too_many = {}
    for page in PAGES:
        with CaptureQueriesContext(connection) as asked:
            answer = sam_at.get(page)
        assert answer.status_code == 200, (page, answer.content.decode()[:2000])
        if len(asked) > MOST:
            too_many[page] = [len(asked), *(query["sql"][:200] for query in asked)]
    assert too_many == {}
