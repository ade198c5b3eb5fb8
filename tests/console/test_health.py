from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Caller

pytestmark = pytest.mark.django_db


def test_the_process_says_that_it_lives(stranger: Caller) -> None:
    assert stranger.get("/healthz").json() == {"status": "ok"}


def test_every_part_says_how_it_is_and_leaves_nothing_behind(stranger: Caller, empty_storage: Path) -> None:
    answer = stranger.get("/readyz")
    assert answer.status_code == 200
    assert set(answer.json()) == {"database", "storage", "broker", "channel_layer"}
    assert [path for path in empty_storage.rglob("*") if path.is_file()] == []


def test_a_part_that_is_down_makes_the_server_not_ready(stranger: Caller, empty_storage: Path) -> None:
    empty_storage.parent.mkdir(exist_ok=True)
    empty_storage.rmdir() if empty_storage.exists() else None
    empty_storage.write_text("a file where the folder should be")
    try:
        answer = stranger.get("/readyz")
    finally:
        empty_storage.unlink()
    assert answer.status_code == 503
    assert answer.json()["storage"].startswith("does not answer")
    assert answer.json()["database"] == "ok"


def test_a_broker_that_is_down_makes_the_server_not_ready(stranger: Caller, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert stranger.get("/readyz").json()["broker"].startswith("does not answer")


def test_the_first_page_tells_what_this_is_under_a_strict_policy(stranger: Caller) -> None:
    page = stranger.get("/")
    assert page.status_code == 200
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert b"ScaiFlow" in page.content
    assert b"<script>" not in page.content  # what there is of it comes from files of ours
    assert b"style=" not in page.content


def test_a_page_that_is_not_there_is_a_page(stranger: Caller) -> None:
    assert stranger.get("/nothing-here")["Content-Type"].startswith("text/html")
