"""Two saves on one tag, over and over: real threads on a real database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from flows.models import Flow
from scaiflow.kit import audit
from scaiflow.kit.models import AuditEntry
from tests.conftest import Caller
from tests.drawings import greeting

ROUNDS = 1000


@pytest.mark.slow
@pytest.mark.everywhere
@pytest.mark.django_db(transaction=True)
def test_of_two_saves_on_one_tag_exactly_one_wins_a_thousand_times(ada: Caller) -> None:
    """Every fourth round saves content too, which writes an object."""
    road = f"/api/v1/flows/{ada.post('/api/v1/flows', {'name': 'Busy', 'content': greeting()}).json()['id']}"
    gate = threading.Barrier(2)

    def saves(who: str) -> list[int]:
        caller, told = Caller(ada.token), []
        try:
            for number in range(ROUNDS):
                content = {"content": greeting(f"{who} {number}")} if number % 4 == 0 else {}
                gate.wait(60)
                tag = {"If-Match": f'"{number + 1}"'}
                told.append(caller.put(road, {"name": f"{who} {number}", **content}, headers=tag).status_code)
        finally:
            connections.close_all()
        return told

    with ThreadPoolExecutor(2) as pool:
        ones, others = pool.map(saves, ["one", "other"])
    assert {tuple(sorted(pair)) for pair in zip(ones, others, strict=True)} == {(200, 412)}
    flow = Flow.objects.get()
    assert (flow.revision, flow.version) == (ROUNDS + 1, f"1.0.{ROUNDS // 4}")
    assert AuditEntry.objects.filter(action="flow.changed").count() == ROUNDS
    assert list(audit.problems("tnt_demo")) == []
