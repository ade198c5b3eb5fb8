from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from flows.sync import records
from tests.sync.node import Node
from tests.sync.people import join
from tests.sync.stage import Stage

groups = st.lists(st.tuples(st.text("abcdef_1", min_size=1, max_size=20), st.binary(max_size=300)), max_size=6)


@given(groups)
def test_groups_are_read_back(found: list[tuple[str, bytes]]) -> None:
    assert records.decode(records.encode(found)) == found


@given(groups.filter(bool), st.data())
def test_a_file_that_ends_in_the_middle_gives_all_that_was_whole(
    found: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    whole = records.encode(found[:-1])
    cut = data.draw(st.integers(len(whole), len(records.encode(found)) - 1))
    assert records.decode(records.encode(found)[:cut]) == found[:-1]


@given(groups.filter(bool), st.data())
def test_damage_is_seen(found: list[tuple[str, bytes]], data: st.DataObject) -> None:
    written = bytearray(records.encode(found))
    at = data.draw(st.integers(0, len(written) - 1))
    written[at] ^= data.draw(st.integers(1, 255))
    read = records.decode(bytes(written))
    assert read == found[: len(read)]
    assert len(read) < len(found)


@pytest.mark.process
@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite's log begins in files")
def test_a_backup_has_what_is_only_in_files_yet(node: Node, stage: Stage, tmp_path: Path) -> None:
    flow = stage.flow()
    join(node, stage, "ada", flow)
    join(node, stage, "bob", flow)
    begin_to_write(node)
    node.ask("set", id="ada", key="k", value=1)
    node.until("has", id="bob", key="k", value=1)
    stage.kill().wait()
    assert files(stage)
    stage.command("backup", str(tmp_path / "kept"))
    rows = (tmp_path / "kept/tables/flows.documentupdate.jsonl").read_text().splitlines()
    assert any(flow in row for row in rows)


def begin_to_write(node: Node) -> None:
    """What somebody writes first is a row at once, with its entry in the audit log (docs/adr/0015); files get the rest."""
    node.ask("set", id="ada", key="first", value=1)
    node.until("has", id="bob", key="first", value=1)


def files(stage: Stage) -> list[Path]:
    return list(stage.folder.glob("scaiflow.db-sync-*"))


@pytest.mark.process
@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite's log begins in files")
def test_what_a_killed_process_left_in_files_is_read_by_the_next_and_brought_in_by_the_beat(
    node: Node, stage: Stage
) -> None:
    flow = stage.flow()
    join(node, stage, "ada", flow)
    join(node, stage, "bob", flow)
    begin_to_write(node)
    node.ask("push", id="ada", count=10)
    node.until("length", id="bob", count=10)
    stage.kill().wait()
    left = files(stage)
    assert left
    stage.again()
    for name in ("ada", "bob"):
        node.ask("end", id=name)
    join(node, stage, "cem", flow)
    assert len(node.ask("read", id="cem")["list"]) == 10
    stage.command("shell", "-c", "from flows.operations.documents import compact_forgotten; compact_forgotten()")
    assert not any(path.exists() for path in left)
    with sqlite3.connect(stage.folder / "scaiflow.db") as database:
        assert database.execute("SELECT count(*) FROM flows_documentupdate WHERE flow_id = ?", [flow]).fetchone()[0]
