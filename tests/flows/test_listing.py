"""Finding flows: tags, words, owners, deployments; and pages that hold while the list moves."""

from __future__ import annotations

from typing import Any

import pytest

from flows.models import Deployment, Flow, FlowTag
from scaiflow.kit.models import AuditEntry
from tests.conftest import Caller, SignIn
from tests.drawings import greeting

ROAD = "/api/v1/flows"


def make(caller: Caller, name: str, **more: Any) -> str:
    answer = caller.post(ROAD, {"name": name, "content": greeting(), **more})
    assert answer.status_code == 201, answer.content
    return answer.json()["id"]


def found(caller: Caller, **query: Any) -> list[str]:
    return [item["name"] for item in caller.get(ROAD, query).json()["items"]]


def test_tags_are_folded_sorted_and_kept_once(ada: Caller) -> None:
    flow = make(ada, "One", tags=["  Support ", "ÄRGER", "support", "two  words", "A\u0308rger"])
    told = ada.get(f"{ROAD}/{flow}").json()
    assert told["tags"] == ["support", "two words", "ärger"]
    assert ada.get(ROAD).json()["items"][0]["tags"] == told["tags"]


def test_tags_are_replaced_whole_and_stay_when_not_named(ada: Caller) -> None:
    flow = make(ada, "One", tags=["a", "b"])
    assert ada.put(f"{ROAD}/{flow}", {"name": "Two"}).json()["tags"] == ["a", "b"]
    assert ada.put(f"{ROAD}/{flow}", {"tags": ["b", "c"]}).json()["tags"] == ["b", "c"]
    assert ada.put(f"{ROAD}/{flow}", {"tags": None}).json()["tags"] == ["b", "c"]
    assert (found(ada, tag="a"), found(ada, tag="c")) == ([], ["Two"])
    assert ada.put(f"{ROAD}/{flow}", {"tags": []}).json()["tags"] == []
    assert not FlowTag.objects.exists()
    changes = [entry.changes.get("tags") for entry in AuditEntry.objects.filter(object_id=flow).order_by("sequence")]
    assert changes == [[None, ["a", "b"]], None, [["a", "b"], ["b", "c"]], None, [["b", "c"], []]]


@pytest.mark.parametrize(
    "tags", ["a", [7], [""], ["  "], ["x" * 51], [str(n) for n in range(21)], ["a\nb\x07"], ["\0"], [None], {"a": 1}]
)
def test_tags_that_make_no_sense_are_refused(ada: Caller, tags: Any) -> None:
    answer = ada.post(ROAD, {"name": "One", "content": greeting(), "tags": tags})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", "tags"]


def test_flows_are_found_by_all_of_several_tags(ada: Caller) -> None:
    for name, tags in [("A", ["x"]), ("B", ["x", "y"]), ("C", ["y"]), ("D", [])]:
        make(ada, name, tags=tags)
    assert found(ada, tag="X") == ["B", "A"]
    assert found(ada, tag=["x", "y"]) == ["B"]
    assert found(ada, tag="z") == []


def test_words_are_found_in_name_and_description_whatever_their_case(ada: Caller) -> None:
    make(ada, "Café ÄRGER", description="Sorts refunds.\nAnswers in GERMAN")
    make(ada, "Billing", description="refund and invoice; 100% sure_ly")
    assert found(ada, q="refund") == ["Billing", "Café ÄRGER"]
    assert found(ada, q="ärger  german") == ["Café ÄRGER"]
    assert found(ada, q="cafe\u0301") == ["Café ÄRGER"]
    assert found(ada, q="INVOICE bill") == ["Billing"]
    assert found(ada, q="invoice german") == []
    assert (found(ada, q="100%"), found(ada, q="e_l"), found(ada, q="_")) == (["Billing"], ["Billing"], ["Billing"])
    assert len(found(ada, q="  ")) == 2


def test_a_changed_description_is_found_by_its_new_words_alone(ada: Caller) -> None:
    flow = make(ada, "One", description="old words")
    ada.put(f"{ROAD}/{flow}", {"description": "new ones"})
    assert (found(ada, q="old"), found(ada, q="new"), found(ada, q="one")) == ([], ["One"], ["One"])


def test_search_looks_at_the_name_alone(ada: Caller) -> None:
    make(ada, "One", description="refund")
    assert (found(ada, search="refund"), found(ada, q="refund")) == ([], ["One"])


def test_flows_are_found_by_owner_and_by_deployment(ada: Caller, tara: Caller) -> None:
    mine, theirs = make(ada, "Mine"), make(tara, "Theirs")
    Deployment.objects.create(flow_id=theirs, core_id="core_1", flow_version="1.0.0", status="deployed")
    Deployment.objects.create(flow_id=theirs, core_id="core_1", flow_version="1.0.0", status="deployed")
    assert found(tara, owner_id="usr_ada") == ["Mine"]
    assert (found(tara, deployed="true"), found(tara, deployed="false")) == (["Theirs"], ["Mine"])
    assert found(tara, deployed="true", owner_id="usr_ada") == []
    assert found(ada, deployed="true") == []
    assert ada.get(f"{ROAD}/{mine}").status_code == 200


def test_a_filter_never_opens_what_is_not_the_callers_to_see(ada: Caller, sign_in: SignIn, olaf: Caller) -> None:
    make(ada, "Secret", tags=["x"], description="refund")
    for caller in (sign_in("usr_colleague"), olaf):
        for query in ({"tag": "x"}, {"q": "refund"}, {"owner_id": "usr_ada"}, {"deployed": "false"}):
            assert caller.get(ROAD, query).json() == {"items": [], "total": 0, "next_cursor": None}


def test_the_admins_list_takes_the_same_filters(tara: Caller, ada: Caller) -> None:
    make(ada, "One", tags=["x"], description="refund")
    make(ada, "Two")
    for query in ({"tag": "x"}, {"q": "refund"}, {"search": "one"}):
        items = tara.get("/api/v1/admin/tenant/flows", query).json()["items"]
        assert [item["name"] for item in items] == ["One"]


@pytest.mark.parametrize(
    "query", ["tag=", "tag=" + "x" * 51, "deployed=maybe", "owner_id=" + "x" * 129, "q=" + "x" * 256]
)
def test_a_filter_of_the_wrong_shape_is_refused(ada: Caller, query: str) -> None:
    answer = ada.get(f"{ROAD}?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["query", query.partition("=")[0]]


def test_no_page_repeats_or_skips_a_flow_while_flows_are_added(ada: Caller) -> None:
    made = [make(ada, f"Flow {number}") for number in range(9)]
    seen, cursor = [], ""
    while cursor is not None:
        page = ada.get(ROAD, {"limit": 2, "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        make(ada, "Late")
    assert seen == made[::-1]


def test_flows_of_one_moment_are_told_apart_by_their_ids(ada: Caller) -> None:
    made = [make(ada, f"Flow {number}") for number in range(7)]
    Flow.objects.update(updated_at=Flow.objects.first().updated_at)
    seen, cursor = [], ""
    while cursor is not None:
        page = ada.get(ROAD, {"limit": 3, "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == sorted(made, reverse=True)


def test_the_total_is_counted_once_and_carried_along(ada: Caller, django_assert_num_queries: Any) -> None:
    for number in range(5):
        make(ada, f"Flow {number}")
    with django_assert_num_queries(3):  # who calls, the page, the total
        first = ada.get(ROAD, {"limit": 2}).json()
    make(ada, "Late")
    with django_assert_num_queries(2):  # who calls, the page
        second = ada.get(ROAD, {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert (first["total"], second["total"]) == (5, 5)
    assert ada.get(ROAD).json()["total"] == 6


@pytest.mark.parametrize("query", [{}, {"tag": ["a", "b"]}, {"q": "some words"}, {"deployed": "true"}])
def test_filters_cost_no_query_more(ada: Caller, query: Any, django_assert_num_queries: Any) -> None:
    for number in range(3):
        make(ada, f"Some words {number}", tags=["a", "b"])
    with django_assert_num_queries(2):  # who calls, the page, which holds all there is
        ada.get(ROAD, query)
