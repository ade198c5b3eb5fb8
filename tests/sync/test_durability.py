"""What was seen stays: realtime.md, W2, W8, W10, W13 and W14, on one process with its database."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from pycrdt import Array, Doc, Map
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.sync import client as blocking

from flows.models import DocumentUpdate, Flow, FlowDocument
from flows.operations.documents import append_updates, compact_document, load_document
from flows.sync import protocol
from flows.sync.protocol import Kind, read
from scaiflow.kit.leases import lease
from tests.sync.node import Node
from tests.sync.people import join, make_known, raw
from tests.sync.stage import Stage
from tests.sync.test_document import typed, words_in

BREATH = threading.Event()
pytestmark = [pytest.mark.process, pytest.mark.django_db]


@pytest.fixture
def flow(db: None) -> str:
    return Flow.objects.create(tenant_id="tnt_demo", owner_id="usr_ada", name="x", name_folded="x", version="1.0.0").id


# --- the log, without a server ----------------------------------------------------------------------------------------


def test_a_document_is_what_was_appended(flow: str) -> None:
    updates = typed(20)
    append_updates([(flow, update) for update in updates])
    stored = load_document(flow)
    assert stored.entries == 20
    assert words_in(stored.document.since()) == [f"word {number}" for number in range(20)]


def test_compaction_takes_away_what_it_merged_and_loses_nothing(flow: str) -> None:
    updates = typed(30)
    append_updates([(flow, update) for update in updates[:20]])
    assert compact_document(flow)
    assert not compact_document(flow)
    append_updates([(flow, update) for update in updates[20:]])
    assert DocumentUpdate.objects.filter(flow=flow).count() == 10
    assert words_in(load_document(flow).document.since()) == [f"word {number}" for number in range(30)]
    assert compact_document(flow)
    assert FlowDocument.objects.get(flow=flow).revision == 2
    assert words_in(load_document(flow).document.since()) == [f"word {number}" for number in range(30)]


def test_one_compaction_at_a_time(flow: str) -> None:
    append_updates([(flow, update) for update in typed(5)])
    with lease(f"sync:{flow}"):
        assert not compact_document(flow)
    assert DocumentUpdate.objects.filter(flow=flow).count() == 5


def test_what_waits_for_something_missing_survives_compaction(flow: str) -> None:
    updates = typed(3)
    append_updates([(flow, updates[0]), (flow, updates[2])])
    compact_document(flow)
    append_updates([(flow, updates[1])])
    assert words_in(load_document(flow).document.since()) == ["word 0", "word 1", "word 2"]


def test_a_damaged_row_costs_no_more_than_itself(flow: str) -> None:
    updates = typed(3)
    append_updates([(flow, update) for update in [*updates[:2], b"\xff\xff\xff", updates[2]]])
    assert words_in(load_document(flow).document.since()) == ["word 0", "word 1", "word 2"]
    assert not compact_document(flow)
    assert DocumentUpdate.objects.filter(flow=flow).count() == 4


# --- a server ---------------------------------------------------------------------------------------------------------


def test_w2_a_restart_changes_nothing(node: Node, stage: Stage) -> None:
    flow = stage.flow()
    join(node, stage, "ada", flow)
    join(node, stage, "bob", flow)
    node.ask("push", id="ada", count=100)
    node.until("length", id="bob", count=100)
    stage.kill().wait()
    node.ask("endAll")
    stage.again()
    join(node, stage, "later", flow)
    assert node.ask("read", id="later")["list"] == list(range(100))


def test_w2_what_was_written_offline_arrives_after_a_restart(node: Node, stage: Stage) -> None:
    flow = stage.flow()
    join(node, stage, "ada", flow)
    stage.kill().wait()
    node.until("closed", id="ada")
    node.ask("push", id="ada", count=30)
    stage.again()
    node.until("syncs", id="ada", count=2)
    join(node, stage, "bob", flow)
    node.until("length", id="bob", count=30)


def kill_rounds(node: Node, stage: Stage, rounds: int) -> None:
    flow = stage.flow()
    seen: set[str] = set()
    for number in range(rounds):
        names = [f"writer {number} {writer}" for writer in range(3)]
        for name in [*names, f"reader {number}"]:
            join(node, stage, name, flow)
        node.ask("load", writers=names, reader=f"reader {number}")
        for _ in itertools.count():
            if node.ask("seenSoFar", reader=f"reader {number}")["count"] > 100 + 37 * number:
                break
        stage.kill("server", signal.SIGKILL).wait()
        told = node.ask("loaded", reader=f"reader {number}")
        seen |= set(told["seen"])
        node.ask("endAll")  # nobody is left who could bring it back
        stage.again()
    join(node, stage, "witness", flow)
    kept = set(node.ask("read", id="witness")["map"])
    assert len(seen) > 100 * rounds
    assert seen - kept == set()


def test_w8_nothing_that_a_reader_saw_is_lost_on_kill_9(node: Node, stage: Stage) -> None:
    kill_rounds(node, stage, rounds=1)


@pytest.mark.slow
@pytest.mark.everywhere
def test_w8_nothing_that_a_reader_saw_is_lost_over_twenty_rounds_of_kill_9_under_load(node: Node, stage: Stage) -> None:
    kill_rounds(node, stage, rounds=20)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite's log begins in files, which is tried above")
def test_w8_nothing_is_lost_where_there_is_a_database_and_no_redis(
    node: Node, make_stage: Callable[..., Stage]
) -> None:
    """Each group is a row before it is told."""
    stage = make_stage(SCAIFLOW_REDIS_URL="")
    stage.start()
    kill_rounds(node, stage, rounds=2)
    stage.kill().wait()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
def test_w10_sigterm_lets_everybody_go_in_good_order(node: Node, make_stage: Callable[..., Stage], kind: str) -> None:
    stage = make_stage(SCAIFLOW_SYNC_DRAIN_SECONDS="2")
    stage.start(kind=kind)
    flow = stage.flow()
    names = [f"peer {number}" for number in range(12)]
    for name in names:
        join(node, stage, name, flow)
    node.ask("push", id="peer 0", count=50)
    process = stage.kill(number=signal.SIGTERM)
    for _ in itertools.count():
        try:
            answer = stage.call("GET", "/readyz")
        except (OSError, http.client.HTTPException):
            pytest.fail("it went away before it said that it is not ready")
        if answer.status == 503:
            break
    assert node.ask("closes", id="peer 11")["closes"] == []
    waves, deadline = {0}, time.monotonic() + 20
    while len(names) not in waves and time.monotonic() < deadline:
        waves.add(sum(bool(node.ask("closes", id=name)["closes"]) for name in names))
    assert len(waves) > 3, "all went at once"
    for name in names:
        node.until("closedWith", id=name, code=4503)
    assert process.wait(20) in {0, -signal.SIGTERM}
    node.ask("endAll")
    stage.again(kind=kind)
    join(node, stage, "later", flow)
    assert node.ask("read", id="later")["list"] == list(range(50))
    stage.kill().wait()


def test_w13_a_document_of_ten_thousand_updates_joins_quickly_and_its_log_is_compacted(
    node: Node, stage: Stage
) -> None:
    """Also when they came one by one, and while more arrive."""
    flow = stage.flow()
    rows = [(flow, update) for update in typed(10_000)]
    with_rows = "INSERT INTO flows_documentupdate (flow_id, \"change\", created_at) VALUES (?, ?, '2026-01-01')"
    stage.rows_of_many(with_rows, rows)
    join(node, stage, "ada", flow)
    first = node.ask("joined", id="ada")["milliseconds"]
    node.ask("push", id="ada", count=300)
    for _ in itertools.count():
        node.ask("push", id="ada", count=1)
        if stage.rows("SELECT count(*) FROM flows_documentupdate WHERE flow_id = ?", flow)[0][0] < 600:
            break
    join(node, stage, "bob", flow)
    second = node.ask("joined", id="bob")["milliseconds"]
    node.until("equal", ids=["ada", "bob"])
    assert node.ask("words", id="bob")["count"] == 10_000
    assert min(first, second) < 500, (first, second)
    told = node.ask("read", id="bob")["list"]
    stage.kill().wait()
    node.ask("endAll")
    stage.again()
    join(node, stage, "cem", flow)  # what was compacted and what came meanwhile is all in the database
    assert node.ask("words", id="cem")["count"] == 10_000
    assert node.ask("read", id="cem")["list"] == told


@pytest.fixture(scope="module")
def strict(make_stage: Callable[..., Stage]) -> Iterator[Stage]:
    stage = make_stage(SCAIFLOW_SYNC_SOCKETS_PER_FLOW="2", SCAIFLOW_MAX_DOCUMENT_BYTES="100000")
    stage.start()
    yield stage
    stage.kill().wait()


def test_a_document_that_outgrows_its_limit_is_closed_to_who_does_it_and_not_to_others(
    node: Node, strict: Stage
) -> None:
    flow = strict.flow()
    join(node, strict, "ada", flow)
    join(node, strict, "bob", flow)
    for number in range(5):  # what is overwritten does not count
        node.ask("fill", id="ada", key="big", characters=30_000)
        node.ask("set", id="ada", key="round", value=number)
        node.until("has", id="bob", key="round", value=number)
    node.ask("fill", id="ada", key="more", characters=80_000)
    node.until("closedWith", id="ada", code=1009)
    node.ask("end", id="ada")
    node.ask("set", id="bob", key="big", value="small")
    node.ask("set", id="bob", key="round", value="last")
    join(node, strict, "cem", flow)
    node.until("has", id="cem", key="round", value="last")
    assert "more" not in node.ask("read", id="cem")["map"]
    assert node.ask("closes", id="bob")["closes"] == []


def test_w12_a_flow_has_no_more_sockets_than_is_set(strict: Stage) -> None:
    flow, other = (f"{strict.url(strict.flow())}/sync?token={strict.token()}" for _ in range(2))
    with blocking.connect(flow) as one, blocking.connect(flow) as two:
        assert [bool(held.recv(timeout=20)) for held in (one, two)] == [True, True]
        with blocking.connect(flow) as third, pytest.raises(ConnectionClosed) as closed:
            third.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4429
        with blocking.connect(other) as elsewhere:
            assert elsewhere.recv(timeout=20)


def test_w14_random_edits_with_disconnects_end_equal(node: Node, calm: Stage) -> None:
    storm(node, calm, edits=1500)


@pytest.mark.slow
def test_w14_random_edits_for_a_while_end_equal(node: Node, calm: Stage) -> None:
    storm(node, calm, edits=20_000)


def storm(node: Node, stage: Stage, edits: int) -> None:
    flow = stage.flow()
    names = ["ada", "bob", "cleo", "dan"]
    for name in names:
        join(node, stage, name, flow)
    node.ask("storm", ids=names, edits=edits, seed=len(flow) * 7919)
    for name in names:
        node.until("synced", id=name)
    node.until("equal", ids=names, seconds=30)
    join(node, stage, "witness", flow)
    node.until("equal", ids=[*names, "witness"])


def test_the_metrics_tell_of_rooms_people_frames_and_what_waits(node: Node, stage: Stage) -> None:
    flow = stage.flow()
    for name in ("ada", "bob"):
        join(node, stage, name, flow)
    for number in range(5):
        node.ask("set", id="ada", key="k", value=number)
        node.until("has", id="bob", key="k", value=number)
    told = stage.metrics()
    assert (told["scaiflow_sync_sockets"], told["scaiflow_sync_rooms"], told["scaiflow_sync_queued_bytes"]) == (2, 1, 0)
    assert told["scaiflow_sync_log_length"] == told["scaiflow_sync_groups_total"] == 5
    assert told["scaiflow_sync_write_seconds_count"] == 5
    assert 0 < told["scaiflow_sync_write_seconds_sum"] < 5
    assert told['scaiflow_sync_frames_in_total{kind="update"}'] == 5
    assert told["scaiflow_sync_frames_out_total"] >= 5
    node.ask("pause", id="bob")
    while not told["scaiflow_sync_queued_bytes"]:
        node.ask("fill", id="ada", key="big", characters=400_000)
        told = stage.metrics()
        assert 'scaiflow_sync_drops_total{code="1013"}' not in told
    raw(node, stage, "bad", flow)
    node.ask("send", id="bad", frame="")
    node.ask("rawOpen", id="nobody", url=f"{stage.url(flow)}/sync?token=none")
    for name, code in (("bad", 1007), ("nobody", 4401)):
        node.until("closedWith", id=name, code=code)
        assert stage.metrics()[f'scaiflow_sync_drops_total{{code="{code}"}}'] == 1
    node.ask("endAll")
    counted = ("scaiflow_sync_sockets", "scaiflow_sync_rooms", "scaiflow_sync_queued_bytes", "scaiflow_sync_log_length")
    while any(told[name] for name in counted):
        BREATH.wait(0.2)  # the metrics are there sixty times a minute
        told = stage.metrics()


def test_a_room_that_is_left_is_compacted_also_while_its_log_is_not_in_the_database_yet(
    node: Node, calm: Stage
) -> None:
    flow = calm.flow()
    for name in ("ada", "bob"):
        join(node, calm, name, flow)
    for number in range(60):
        node.ask("set", id="ada", key="k", value=number)
        node.until("has", id="bob", key="k", value=number)
    node.ask("endAll")
    snapshots = "SELECT count(*) FROM flows_flowdocument WHERE flow_id = ?"
    deadline = time.monotonic() + 20
    while calm.rows(snapshots, flow) != [(1,)] and time.monotonic() < deadline:
        BREATH.wait(0.1)
    assert calm.rows(snapshots, flow) == [(1,)]
    assert calm.rows("SELECT count(*) FROM flows_documentupdate WHERE flow_id = ?", flow) == [(0,)]
    join(node, calm, "later", flow)
    assert node.ask("read", id="later")["map"] == {"k": 59}


def test_who_is_on_a_socket_is_present_over_http(node: Node, calm: Stage) -> None:
    flow = calm.flow()
    join(node, calm, "ada", flow)
    tara = calm.token("usr_tara", tenant_id="tnt_demo")
    make_known(calm, "usr_tara", admin_role="tenant_admin", admin_role_source="manual")
    path = f"/api/v1/flows/{flow}/presence"
    for _ in itertools.count():
        peers = calm.call("GET", path, token=tara).body["peers"]
        if peers:
            break
    assert [(peer["user_id"], peer["display_name"]) for peer in peers] == [("usr_ada", "Ada")]
    for number in range(15):  # tabs that are opened and closed at once
        node.ask("open", id=f"tab {number}", url=calm.url(flow), token=calm.token())
        node.ask("end", id=f"tab {number - 1}")
    for name in ("ada", "tab 14"):
        node.ask("end", id=name)
    deadline = time.monotonic() + 20  # in 30 s it would run out by itself
    while calm.call("GET", path, token=tara).body["peers"]:
        assert time.monotonic() < deadline


# --- a client in Python -----------------------------------------------------------------------------------------------


async def synced(socket: ClientConnection, doc: Doc[Any]) -> None:
    """Speaks the protocol until step2 has come."""
    await socket.send(protocol.step1(doc.get_state()))
    while True:
        kind, body = read(bytes(await socket.recv()))
        if kind is Kind.STEP1:
            await socket.send(protocol.step2(doc.get_update(body)))
        elif kind in {Kind.STEP2, Kind.UPDATE}:
            doc.apply_update(body)
            if kind is Kind.STEP2:
                return


async def write_and_read_back(url: str) -> Any:
    first: Doc[Any] = Doc()
    first.get("map", type=Map)["from"] = "python"
    async with connect(url) as one:
        await synced(one, first)
        first.get("list", type=Array).append(1)
        await one.send(protocol.update(first.get_update()))
        async with connect(url) as two:
            second: Doc[Any] = Doc()
            await synced(two, second)
            return second.get("map", type=Map).to_py(), second.get("list", type=Array).to_py()


def test_pycrdt_clients_work_as_they_are(calm: Stage) -> None:
    url = f"{calm.url(calm.flow())}/sync?token={calm.token()}"
    assert asyncio.run(write_and_read_back(url)) == ({"from": "python"}, [1])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wsproto", "plain daphne"])
def test_any_asgi_server_will_do(node: Node, make_stage: Callable[..., Stage], kind: str) -> None:
    stage = make_stage()
    stage.start(kind=kind)
    flow = stage.flow()
    join(node, stage, "ada", flow)
    join(node, stage, "bob", flow)
    node.ask("fill", id="ada", key="big", characters=3_000_000)
    node.ask("push", id="ada", count=50)
    node.until("length", id="bob", count=50)
    node.until("equal", ids=["ada", "bob"])
    node.ask("rawOpen", id="raw", url=f"{stage.url(flow)}/sync?token=no")
    node.until("closedWith", id="raw", code=4401)
    stage.kill().wait()


def test_metrics_hold_no_name_of_anybody(node: Node, calm: Stage) -> None:
    flow = calm.flow()
    join(node, calm, "ada", flow)
    assert flow not in json.dumps(calm.metrics())
