from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flows.operations.sweeping import sweep_orphans
from scaiflow.kit import storage
from tests.conftest import Caller
from tests.drawings import greeting


def test_only_what_no_version_names_is_swept(ada: Caller) -> None:
    flow = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()
    orphan = f"flows/tnt_demo/{flow['id']}/v1.0.7.flow.json"
    storage.create(orphan, b"{}")
    assert sweep_orphans(min_age=timedelta()) == [orphan]
    assert ada.get(f"/api/v1/flows/{flow['id']}").status_code == 200


def test_a_save_in_progress_is_left_alone(db: None) -> None:
    storage.create("flows/tnt_demo/flow_x/v1.0.0.flow.json", b"{}")
    assert sweep_orphans() == []


def test_an_empty_storage_is_swept_clean(db: None, empty_storage: Path) -> None:
    assert sweep_orphans() == []
