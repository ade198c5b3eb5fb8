"""What every database that we stand on has to do alike."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction

from flows.models import Flow, Job
from scaiflow.kit.checks import capitals_are_told_apart, statements_may_be_large
from tests.conftest import Caller
from tests.drawings import greeting

pytestmark = pytest.mark.django_db(transaction=True)


def flow(flow_id: str, name: str = "x") -> Flow:
    texts = {"tenant_id": "tnt_demo", "owner_id": "usr_ada", "version": "1.0.0"}
    return Flow.objects.create(id=flow_id, name=name, name_folded=name.casefold(), **texts)


def test_ids_that_differ_in_their_capitals_are_different() -> None:
    flow("flow_aAaA"), flow("flow_AaAa")
    assert Flow.objects.get(id="flow_aAaA").id == "flow_aAaA"
    assert not Flow.objects.filter(id="FLOW_AAAA").exists()


def test_a_database_that_would_not_tell_them_apart_is_refused() -> None:
    assert capitals_are_told_apart(databases=["default"]) == []
    if connection.vendor != "mysql":
        return  # the others always do
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE `{name}` COLLATE utf8mb4_general_ci")
        try:
            connection.close()
            (refusal,) = capitals_are_told_apart(databases=["default"])
        finally:
            connection.cursor().execute(f"ALTER DATABASE `{name}` COLLATE utf8mb4_bin")
    assert refusal.id == "kit.E001"


def test_a_database_that_does_not_take_what_a_socket_may_bring_is_refused(settings: Any) -> None:
    assert statements_may_be_large(databases=["default"]) == []
    settings.MAX_SYNC_BYTES *= 8
    assert [refusal.id for refusal in statements_may_be_large(databases=["default"])] == (
        ["kit.E002"] if connection.vendor == "mysql" else []
    )


def test_times_keep_their_microseconds() -> None:
    at = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)
    Flow.objects.filter(id=flow("flow_times").id).update(updated_at=at)
    assert Flow.objects.get().updated_at == at
    assert Flow.objects.filter(updated_at=at).exists()


@pytest.mark.parametrize(
    "value", [{"a": {"b": [1, 2.5, True, None, "\u00e9\U0001f600"]}}, [], "", 0, 2**53, {"$": "'\"\\"}]
)
def test_json_comes_back_as_it_was(value: Any) -> None:
    job = Job.objects.create(
        flow=flow("flow_json"), kind="deploy", arguments={"v": value}, result=value, progress=[value]
    )
    job.refresh_from_db()
    assert (job.arguments, job.progress, job.result) == ({"v": value}, [value], value)


def test_no_result_is_not_a_result_of_null() -> None:
    Job.objects.create(flow=flow("flow_null"), kind="deploy")
    assert Job.objects.get(result__isnull=True).result is None


@pytest.mark.parametrize(
    "name", ["Stra\u00dfe \u0130stanbul \U0001f680", "\u0416\u0443\u043a", "a%b_c\\d", "'; DROP TABLE--"]
)
def test_names_are_searched_without_regard_to_capitals_in_any_script(ada: Caller, name: str) -> None:
    ada.post("/api/v1/flows", {"name": name, "content": greeting()})
    for asked in (name, name.upper(), name.lower(), name[1:4]):
        assert ada.get("/api/v1/flows", query_params={"search": asked}).json()["total"] == 1, asked


def test_a_refused_row_leaves_its_transaction_usable() -> None:
    one = flow("flow_once")
    with transaction.atomic():
        with pytest.raises(IntegrityError), transaction.atomic():
            Flow.objects.create(id=one.id, tenant_id="t", owner_id="o", name="n", name_folded="n", version="1")
        assert Flow.objects.count() == 1


def test_a_locked_row_makes_the_next_one_wait(ada: Caller) -> None:
    """Eight saves at once, each a version of its own: none is lost, none is given twice."""
    flow_id = ada.post("/api/v1/flows", {"name": "x", "content": greeting()}).json()["id"]
    gate = threading.Barrier(8)

    def save(number: int) -> str:
        gate.wait()
        try:
            body = {"content": greeting(f"Hello {number}")}
            return str(Caller(ada.token).put(f"/api/v1/flows/{flow_id}", body).json()["version"])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(save, range(8)))
    assert sorted(versions) == [f"1.0.{number}" for number in range(1, 9)]
