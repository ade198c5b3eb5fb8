"""Labels on versions."""

from __future__ import annotations

from typing import Any

import pytest

from scaiflow.kit.models import AuditEntry
from tests.conftest import Caller
from tests.drawings import greeting


@pytest.fixture
def road(ada: Caller) -> str:
    flow = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()
    return f"/api/v1/flows/{flow['id']}"


def test_a_version_gets_a_label_and_loses_it_again(ada: Caller, road: str) -> None:
    ada.put(road, {"content": greeting("Bye")})
    told = ada.patch(f"{road}/versions/1.0.0", {"label": " Before the  sale "}).json()
    assert (told["version"], told["label"], told["is_current"]) == ("1.0.0", "Before the  sale", False)
    assert [version["label"] for version in ada.get(f"{road}/versions").json()] == [None, "Before the  sale"]
    assert ada.patch(f"{road}/versions/1.0.0", {"label": ""}).json()["label"] is None


def test_a_label_is_in_the_audit_log_and_changes_neither_content_nor_tag(ada: Caller, road: str) -> None:
    before = ada.get(road)
    ada.patch(f"{road}/versions/1.0.0", {"label": "Gold"})
    ada.patch(f"{road}/versions/1.0.0", {"label": None})
    entries = AuditEntry.objects.filter(action="flow.version_labelled").order_by("sequence")
    assert [entry.changes["label"] for entry in entries] == [[None, "Gold"], ["Gold", None]]
    after = ada.get(road)
    assert (after["ETag"], after.json()) == (before["ETag"], before.json())


@pytest.mark.parametrize("body", [{}, {"label": 7}, {"label": "x" * 101}, {"label": ["x"]}])
def test_a_label_of_the_wrong_shape_is_refused(ada: Caller, road: str, body: dict[str, Any]) -> None:
    answer = ada.patch(f"{road}/versions/1.0.0", body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "label"]


def test_a_version_that_is_not_there_gets_no_label(ada: Caller, road: str) -> None:
    assert ada.patch(f"{road}/versions/9.9.9", {"label": "x"}).json() == {"detail": "version not found"}


def test_a_restored_version_starts_without_the_old_ones_label(ada: Caller, road: str) -> None:
    ada.patch(f"{road}/versions/1.0.0", {"label": "Gold"})
    ada.post(f"{road}/versions/1.0.0/restore")
    assert [version["label"] for version in ada.get(f"{road}/versions").json()] == [None, "Gold"]
