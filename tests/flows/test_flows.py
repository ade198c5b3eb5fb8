from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connections

from flows.models import Flow, FlowVersion
from scaiflow.kit import storage
from scaiflow.kit.errors import Unavailable
from scaiflow.kit.models import AuditEntry
from tests.conftest import Caller
from tests.drawings import greeting


@pytest.fixture
def flow(ada: Caller) -> dict[str, Any]:
    return ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()


def objects_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_new_flow_is_answered_whole_with_its_first_version(ada: Caller) -> None:
    answer = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()})
    flow = answer.json()
    assert answer.status_code == 201
    assert flow["version"] == "1.0.0"
    assert (flow["owner_id"], flow["tenant_id"], flow["level"]) == ("usr_ada", "tnt_demo", "admin")
    assert flow["id"].startswith("flow_")
    assert len(flow["id"]) == len("flow_") + 22


def test_content_leaves_with_the_flows_id_name_and_version(ada: Caller) -> None:
    content = greeting(id="mine", version="9.9.9", extra={"kept": [1, None, "ü"]})
    flow = ada.post("/api/v1/flows", {"name": "Called otherwise", "content": content}).json()
    stamped = content | {"id": flow["id"], "name": "Called otherwise", "version": "1.0.0"}
    assert ada.get(f"/api/v1/flows/{flow['id']}").json()["content"] == stamped


def test_saving_content_bumps_the_patch_and_keeps_the_old_object(
    ada: Caller, flow: dict[str, Any], empty_storage: Path
) -> None:
    answer = ada.put(f"/api/v1/flows/{flow['id']}", {"content": greeting("Bye {{name}}")})
    assert answer.status_code == 200
    assert answer.json()["version"] == "1.0.1"
    kept = f"flows/tnt_demo/{flow['id']}"
    assert objects_in(empty_storage) == [f"{kept}/v1.0.0.flow.json", f"{kept}/v1.0.1.flow.json"]
    old = ada.get(f"/api/v1/flows/{flow['id']}/versions/1.0.0").json()
    assert old["version"] == old["content"]["version"] == "1.0.0"
    assert old["content"]["nodes"][1]["config"]["template"] == "Hello {{name}}"


def test_a_new_name_alone_makes_no_version(ada: Caller, flow: dict[str, Any]) -> None:
    renamed = ada.put(f"/api/v1/flows/{flow['id']}", {"name": "Renamed", "content": None}).json()
    assert (renamed["name"], renamed["version"], renamed["content"]["name"]) == ("Renamed", "1.0.0", "Renamed")
    assert len(ada.get(f"/api/v1/flows/{flow['id']}/versions").json()) == 1


def test_versions_come_newest_first(ada: Caller, flow: dict[str, Any]) -> None:
    for _ in range(10):
        ada.put(f"/api/v1/flows/{flow['id']}", {"content": greeting()})
    versions = ada.get(f"/api/v1/flows/{flow['id']}/versions").json()
    assert [version["version"] for version in versions[:2]] == ["1.0.10", "1.0.9"]
    assert [version["is_current"] for version in versions] == [True] + [False] * 10
    assert versions[0]["author_id"] == "usr_ada"


def test_an_unknown_version_is_not_found(ada: Caller, flow: dict[str, Any]) -> None:
    answer = ada.get(f"/api/v1/flows/{flow['id']}/versions/7.7.7")
    assert (answer.status_code, answer.json()) == (404, {"detail": "version not found"})


def test_a_deleted_flow_is_gone_and_comes_back_whole(ada: Caller, flow: dict[str, Any], empty_storage: Path) -> None:
    road = f"/api/v1/flows/{flow['id']}"
    assert ada.delete(road).status_code == 204
    assert ada.get(road).json() == {"detail": "flow not found"}
    assert ada.get("/api/v1/flows").json()["total"] == 0
    assert objects_in(empty_storage)
    assert ada.post(f"{road}/restore").json()["content"] == flow["content"]
    assert ada.get(road).status_code == 200


def test_bringing_back_a_living_flow_changes_nothing(ada: Caller, flow: dict[str, Any]) -> None:
    answer = ada.post(f"/api/v1/flows/{flow['id']}/restore")
    assert (answer.status_code, answer.json()) == (200, flow)
    assert not AuditEntry.objects.filter(action="flow.restored").exists()


def test_a_stale_save_is_refused_and_changes_nothing(ada: Caller, flow: dict[str, Any]) -> None:
    road = f"/api/v1/flows/{flow['id']}"
    tag = ada.get(road)["ETag"]
    assert ada.put(road, {"name": "First"}, headers={"If-Match": tag}).status_code == 200
    late = ada.put(road, {"name": "Second", "content": greeting()}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert late.json()["detail"]["error"] == "stale_version"
    assert late.json()["detail"]["current_version"] == "1.0.0"
    assert late.json()["detail"]["etag"] == ada.get(road)["ETag"]
    assert ada.get(road).json()["name"] == "First"


def test_a_flow_that_did_not_change_is_not_sent_again(ada: Caller, flow: dict[str, Any]) -> None:
    tag = ada.get(f"/api/v1/flows/{flow['id']}")["ETag"]
    again = ada.get(f"/api/v1/flows/{flow['id']}", headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")


def test_a_list_can_be_searched_without_minding_case(ada: Caller) -> None:
    for name in ("Café ÄRGER", "Support", "100% sure", "support_two"):
        ada.post("/api/v1/flows", {"name": name, "content": greeting()})

    def found(search: str) -> list[str]:
        return [item["name"] for item in ada.get("/api/v1/flows", {"search": search}).json()["items"]]

    assert found("ärger") == ["Café ÄRGER"]
    assert found("SUPPORT") == ["support_two", "Support"]
    assert found("100%") == ["100% sure"]
    assert found("t_t") == ["support_two"]


def test_pages_hold_every_flow_once_newest_first(ada: Caller) -> None:
    made = [ada.post("/api/v1/flows", {"name": f"Flow {n}", "content": greeting()}).json()["id"] for n in range(7)]
    seen, cursor = [], ""
    while cursor is not None:
        page = ada.get("/api/v1/flows", {"limit": 3, "cursor": cursor}).json()
        assert page["total"] == 7
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=many", "cursor=garbage", "cursor=WzEsMl0", "cursor=W10"]
)
def test_a_bad_query_is_refused_with_its_place(ada: Caller, query: str) -> None:
    answer = ada.get(f"/api/v1/flows?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", query.partition("=")[0]]


def test_a_list_costs_the_same_queries_however_long(ada: Caller, django_assert_num_queries: Any) -> None:
    for number in range(5):
        ada.post("/api/v1/flows", {"name": f"Flow {number}", "content": greeting()})
    with django_assert_num_queries(2):  # who calls, the page, which needs no counting
        assert len(ada.get("/api/v1/flows").json()["items"]) == 5


def test_a_flow_is_read_in_three_queries(ada: Caller, flow: dict[str, Any], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):  # who calls, the flow, its version's row
        ada.get(f"/api/v1/flows/{flow['id']}")


def test_a_version_whose_object_cannot_be_written_is_never_listed(
    ada: Caller, flow: dict[str, Any], settings: Any, empty_storage: Path
) -> None:
    folder = empty_storage / "flows" / "tnt_demo" / flow["id"]
    kept = folder / "v1.0.0.flow.json"
    aside = empty_storage / "aside"
    kept.rename(aside)
    folder.rmdir()
    folder.write_text("a file where the folder was")
    failed = ada.put(f"/api/v1/flows/{flow['id']}", {"content": greeting("Bye")})
    assert failed.status_code == 503
    assert failed.json()["detail"]["component"] == "storage"
    assert "Retry-After" in failed
    folder.unlink()
    folder.mkdir()
    aside.rename(kept)
    assert ada.get(f"/api/v1/flows/{flow['id']}").json()["version"] == "1.0.0"
    assert ada.put(f"/api/v1/flows/{flow['id']}", {"content": greeting("Bye")}).json()["version"] == "1.0.1"


def test_an_object_goes_when_its_row_cannot_be_written(ada: Caller, flow: dict[str, Any], empty_storage: Path) -> None:
    before = objects_in(empty_storage)
    taken = {"flow_id": flow["id"], "version": "1.0.1", "object_key": "elsewhere", "author_id": "usr_ada"}
    FlowVersion.objects.create(**taken, sequence=9, digest="", size=0)
    failed = ada.put(f"/api/v1/flows/{flow['id']}", {"content": greeting("Bye")})
    assert failed.status_code == 500
    assert objects_in(empty_storage) == before
    assert ada.get(f"/api/v1/flows/{flow['id']}").json()["version"] == "1.0.0"


def test_what_a_killed_save_left_behind_is_replaced(ada: Caller, flow: dict[str, Any]) -> None:
    storage.create(f"flows/tnt_demo/{flow['id']}/v1.0.1.flow.json", b"half a docum")
    saved = ada.put(f"/api/v1/flows/{flow['id']}", {"content": greeting("Bye {{name}}")})
    assert saved.json()["version"] == "1.0.1"
    assert ada.get(f"/api/v1/flows/{flow['id']}").json()["content"]["nodes"][1]["config"]["template"] == "Bye {{name}}"


def test_damaged_content_is_never_handed_out(ada: Caller, flow: dict[str, Any], empty_storage: Path) -> None:
    path = empty_storage / f"flows/tnt_demo/{flow['id']}/v1.0.0.flow.json"
    path.write_bytes(path.read_bytes().replace(b"Hello", b"Howdy"))
    answer = ada.get(f"/api/v1/flows/{flow['id']}")
    assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "storage")


@pytest.mark.django_db(transaction=True)
def test_saves_at_once_all_succeed_and_never_share_a_number(ada: Caller) -> None:
    flow = ada.post("/api/v1/flows", {"name": "Busy", "content": greeting()}).json()
    gate = threading.Barrier(8)

    def save(number: int) -> str:
        gate.wait()
        try:
            return (
                Caller(ada.token)
                .put(f"/api/v1/flows/{flow['id']}", {"content": greeting(f"{number}")})
                .json()["version"]
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(save, range(8)))
    assert sorted(given) == [f"1.0.{number}" for number in range(1, 9)]
    assert Flow.objects.get().version == "1.0.8"


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_on_one_tag_one_wins(ada: Caller) -> None:
    flow = ada.post("/api/v1/flows", {"name": "Busy", "content": greeting()}).json()
    gate = threading.Barrier(2)

    def save(number: int) -> int:
        gate.wait()
        try:
            tag = {"If-Match": '"1"'}
            return (
                Caller(ada.token)
                .put(f"/api/v1/flows/{flow['id']}", {"content": greeting(f"{number}")}, headers=tag)
                .status_code
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(save, range(2))) == [200, 412]


def test_an_object_is_never_written_twice(db: None) -> None:
    storage.create("once", b"first")
    with pytest.raises(storage.ObjectTaken):
        storage.create("once", b"second")
    assert storage.read("once") == b"first"


def test_an_object_that_is_gone_is_a_failure_with_a_name(db: None) -> None:
    with pytest.raises(Unavailable):
        storage.read("never/written")
    assert not default_storage.exists("never/written")


def test_an_old_version_comes_back_as_a_new_one_on_top(ada: Caller, flow: dict[str, Any]) -> None:
    road = f"/api/v1/flows/{flow['id']}"
    ada.put(road, {"content": greeting("Bye")})
    told = ada.post(f"{road}/versions/1.0.0/restore").json()
    assert told["version"] == "1.0.2"
    assert told["content"]["nodes"] == flow["content"]["nodes"]
    assert [version["version"] for version in ada.get(f"{road}/versions").json()] == ["1.0.2", "1.0.1", "1.0.0"]


def test_two_versions_are_compared(ada: Caller, flow: dict[str, Any]) -> None:
    road = f"/api/v1/flows/{flow['id']}"
    ada.put(road, {"content": greeting("Bye")})
    told = ada.get(f"{road}/diff", {"from": "1.0.0"}).json()
    assert (told["from"], told["to"], told["summary"]) == ("1.0.0", "1.0.1", "1 node changed")
    assert ada.get(f"{road}/diff", {"from": "1.0.1", "to": "1.0.1"}).json()["summary"] == "nothing changed"
    for query, headers in (({"format": "text"}, {}), ({}, {"accept": "text/plain"})):
        readable = ada.get(f"{road}/diff", {"from": "1.0.0", **query}, headers=headers)
        assert readable["Content-Type"] == "text/plain; charset=utf-8"
        assert readable.content.decode().splitlines()[0] == "1.0.0 -> 1.0.1: 1 node changed"
    assert ada.get(f"{road}/diff", {"from": "9.9.9"}).status_code == 404
    assert ada.get(f"{road}/diff").json()["detail"][0]["loc"] == ["query", "from"]
