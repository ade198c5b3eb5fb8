"""Immutable objects, in a folder and in a bucket: the same promises, and the same words when they cannot be kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from flows.operations.sweeping import sweep_orphans
from scaiflow.kit import storage
from scaiflow.kit.errors import Unavailable
from tests.buckets import KEYS, new_bucket, running_s3, use
from tests.conftest import Caller
from tests.drawings import greeting

KEY = "flows/tnt_demo/flow_x/v1.0.0.flow.json"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with running_s3() as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, s3: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    if request.param == "bucket":
        use(settings, monkeypatch, new_bucket(s3))
    return str(request.param)


def test_what_is_written_is_read_back_to_the_byte(place: str) -> None:
    body = bytes(range(256)) * 5000
    storage.create(KEY, body)
    assert storage.read(KEY) == body


def test_a_key_is_written_once(place: str) -> None:
    storage.create(KEY, b"first")
    with pytest.raises(storage.ObjectTaken):
        storage.create(KEY, b"second")
    assert storage.read(KEY) == b"first"


def test_of_many_who_write_one_key_at_once_one_does(place: str) -> None:
    gate = threading.Barrier(6)

    def write(number: int) -> int | None:
        gate.wait()
        try:
            storage.create(KEY, str(number).encode())
        except storage.ObjectTaken:
            return None
        return number

    with ThreadPoolExecutor(6) as pool:
        written = [number for number in pool.map(write, range(6)) if number is not None]
    assert len(written) == 1
    assert storage.read(KEY) == str(written[0]).encode()


def test_what_is_gone_is_missed(place: str) -> None:
    storage.create(KEY, b"x")
    storage.delete(KEY)
    with pytest.raises(Unavailable):
        storage.read(KEY)
    storage.delete(KEY)


def test_a_bucket_that_is_out_of_reach_is_told_as_that(
    settings: Any, monkeypatch: pytest.MonkeyPatch, ada: Caller
) -> None:
    for name, value in {**KEYS, "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    use(settings, monkeypatch, "s3://nowhere/kept?endpoint_url=http://127.0.0.1:9&region_name=eu-west-1")
    answer = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()})
    assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "storage")
    assert ada.get("/api/v1/flows").json()["total"] == 0


def test_flows_are_kept_there(place: str, ada: Caller) -> None:
    """The road of a flow through its life: saved, saved again, read in both versions, swept around."""
    road = "/api/v1/flows"
    flow_id = ada.post(road, {"name": "Greeting", "content": greeting("One")}).json()["id"]
    assert ada.put(f"{road}/{flow_id}", {"content": greeting("Two")}).json()["version"] == "1.0.1"
    orphan = f"flows/tnt_demo/{flow_id}/v1.0.7.flow.json"
    storage.create(orphan, b"{}")
    assert sweep_orphans(min_age=timedelta()) == [orphan]
    texts = [
        ada.get(f"{road}/{flow_id}/versions/{version}").json()["content"]["nodes"][1]["config"]["template"]
        for version in ("1.0.0", "1.0.1")
    ]
    assert texts == ["One", "Two"]
