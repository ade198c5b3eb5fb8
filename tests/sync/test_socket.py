"""The sync socket with real clients: realtime.md, W1 to W8 and W12, on every server that the product starts."""

from __future__ import annotations

import time

import pytest
from pycrdt import Array, Doc
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from flows.sync import awareness, protocol
from flows.sync.awareness import Entry
from flows.sync.protocol import Kind, read, write_bytes, write_uint
from tests.sync.node import Node
from tests.sync.people import grant, join, make_known, raw
from tests.sync.stage import Stage
from tests.sync.test_document import BREAKING, nested, typed

pytestmark = [
    pytest.mark.process,
    pytest.mark.wire,
    pytest.mark.django_db,
]  # the servers get a copy of the test database


def frames(node: Node, name: str) -> list[tuple[Kind, bytes]]:
    return [read(bytes.fromhex(frame)) for frame in node.ask("raw", id=name)["frames"]]


def test_w1_who_joins_is_asked_first_told_who_is_there_and_answered_also_with_nothing(
    node: Node, server: Stage
) -> None:
    flow = server.flow()
    client = join(node, server, "ada", flow, state={"x": 1})
    node.until("sees", id="ada", other=client)
    raw(node, server, "raw", flow)
    node.ask("send", id="raw", frame=protocol.step1(b"\x00").hex())
    node.until("frame", id="raw", starts="0001")
    (first, _), (second, present), *others = frames(node, "raw")
    assert [first, second] == [Kind.STEP1, Kind.AWARENESS]
    assert [entry.client for entry in awareness.decode(present)] == [client]
    assert (Kind.STEP2, b"\x00\x00") in others


@pytest.mark.everywhere
def test_w2_a_newcomer_alone_in_a_room_gets_all_of_it(node: Node, server: Stage) -> None:
    flow = server.flow()
    join(node, server, "ada", flow)
    join(node, server, "witness", flow)
    node.ask("push", id="ada", count=50)
    node.until("length", id="witness", count=50)
    node.ask("end", id="ada")
    node.ask("end", id="witness")
    join(node, server, "later", flow)
    assert node.ask("read", id="later")["list"] == list(range(50))


@pytest.mark.everywhere
def test_w3_concurrent_edits_converge(node: Node, server: Stage) -> None:
    flow = server.flow()
    names = ["ada", "bob", "cleo"]
    for name in names:
        join(node, server, name, flow)
    for name in names:
        node.ask("push", id=name, count=100)
    for name in names:
        node.until("length", id=name, count=300)
    node.until("equal", ids=names)


@pytest.mark.everywhere
def test_w4_a_viewer_reads_and_is_present_and_what_they_write_is_refused_once(node: Node, server: Stage) -> None:
    flow = server.flow()
    grant(server, flow, "usr_vera", "view")
    join(node, server, "ada", flow)
    node.ask("set", id="ada", key="a", value=1)
    vera = join(node, server, "vera", flow, "usr_vera", state={"x": 1})
    node.until("has", id="vera", key="a", value=1)
    node.until("sees", id="ada", other=vera)
    node.ask("set", id="vera", key="b", value=1)
    node.ask("set", id="ada", key="c", value=1)
    node.until("has", id="vera", key="c", value=1)
    assert node.ask("read", id="ada")["map"] == {"a": 1, "c": 1}
    assert node.ask("closes", id="vera")["closes"] == []


@pytest.mark.everywhere
def test_w4_the_refusal_is_message_2_told_once_and_an_empty_answer_is_not_refused(node: Node, server: Stage) -> None:
    flow = server.flow()
    join(node, server, "ada", flow)
    node.ask("set", id="ada", key="a", value=1)
    scope = server.token("usr_ada", scope="scaicore:view")
    node.ask("rawOpen", id="raw", url=f"{server.url(flow)}/sync?token={scope}")
    node.until("frames", id="raw", count=1)
    node.ask("send", id="raw", frame=protocol.step2(b"\x00\x00").hex())
    for _ in range(3):
        node.ask("send", id="raw", frame=protocol.update(b"\x01\x01\x05\x00\x08\x01\x01a\x01\x77\x01b\x00").hex())
    node.ask("send", id="raw", frame=protocol.step1(b"\x00").hex())
    node.until("frame", id="raw", starts="0001")
    told = node.ask("raw", id="raw")["frames"]
    assert [frame[:4] for frame in told if frame.startswith("02")] == ["0200"]
    assert node.ask("raw", id="raw")["close"] is None
    wanted = "SELECT result, actor_id FROM kit_auditentry WHERE object_type = 'flow-sync' AND object_id = ?"
    deadline = time.monotonic() + 20
    while not (written := server.rows(wanted, flow)) and time.monotonic() < deadline:
        node.ask("raw", id="raw")
    assert written == [("refused", "usr_ada")]


@pytest.mark.everywhere
def test_who_writes_stands_in_the_audit_log_once_a_sitting_before_anybody_is_told(node: Node, server: Stage) -> None:
    flow = server.flow()
    grant(server, flow, "usr_bob", "edit")
    grant(server, flow, "usr_vera", "view")
    wanted = (
        "SELECT actor_id, result, tenant_id FROM kit_auditentry WHERE action = 'flow.edited_live' AND object_id = ?"
    )
    ada, bob = ("usr_ada", "done", "tnt_demo"), ("usr_bob", "done", "tnt_demo")
    for name, sub in (("ada", "usr_ada"), ("tab", "usr_ada"), ("bob", "usr_bob"), ("vera", "usr_vera")):
        join(node, server, name, flow, sub)
    assert server.rows(wanted, flow) == []
    node.ask("set", id="ada", key="a", value=1)
    node.until("has", id="bob", key="a", value=1)
    assert server.rows(wanted, flow) == [ada]
    node.ask("set", id="vera", key="v", value=1)
    for turn, name in enumerate(("ada", "tab", "bob", "ada")):  # a second tab: the same person in the same sitting
        node.ask("set", id=name, key=f"in turn {turn}", value=1)
        node.until("has", id="vera", key=f"in turn {turn}", value=1)
    assert sorted(server.rows(wanted, flow)) == [ada, bob]
    for name in ("ada", "tab"):
        node.ask("end", id=name)
    join(node, server, "back", flow)
    node.ask("set", id="bob", key="b", value=1)
    node.until("has", id="back", key="b", value=1)  # who has come back and writes nothing has no entry
    assert sorted(server.rows(wanted, flow)) == [ada, bob]
    node.ask("set", id="back", key="c", value=1)
    node.until("has", id="bob", key="c", value=1)
    assert sorted(server.rows(wanted, flow)) == [ada, ada, bob]


def test_w5_the_user_in_awareness_is_the_one_of_the_token(node: Node, server: Stage) -> None:
    flow = server.flow()
    ada = join(
        node, server, "ada", flow, state={"user": {"name": "Mallory", "id": "usr_root", "color": "#f00"}, "at": 3}
    )
    join(node, server, "bob", flow)
    node.until("sees", id="bob", other=ada)
    state = node.ask("states", id="bob")["states"][str(ada)]
    assert state["at"] == 3
    assert (state["user"]["id"], state["user"]["name"], state["user"]["color"]) == ("usr_ada", "Ada", "#f00")


def test_w5_an_id_belongs_to_who_used_it_first_and_a_cut_connection_leaves_at_once(node: Node, server: Stage) -> None:
    flow = server.flow()
    ada = join(node, server, "ada", flow, state={"here": "ada"})
    join(node, server, "bob", flow)
    node.until("sees", id="bob", other=ada)
    raw(node, server, "thief", flow)
    stolen = protocol.awareness(awareness.encode([Entry(ada, 99, {"here": "thief"})])).hex()
    node.ask("send", id="thief", frame=stolen)
    node.ask("send", id="thief", frame="03")
    node.until("frames", id="thief", count=3)
    assert node.ask("states", id="bob")["states"][str(ada)]["here"] == "ada"
    node.ask("end", id="thief")
    node.ask("cut", id="ada")
    node.until("sawLeave", id="bob", other=ada)  # not only after the 30 s in which clients forget who is silent
    node.until("sees", id="bob", other=ada)  # the client came back under its own id


def test_w5_who_announces_themselves_hears_it_back(node: Node, server: Stage) -> None:
    flow = server.flow()
    raw(node, server, "raw", flow)
    node.ask("send", id="raw", frame=protocol.awareness(awareness.encode([Entry(7, 1, {"x": 1})])).hex())
    node.until("frames", id="raw", count=2)
    (_, (kind, body)) = frames(node, "raw")
    assert (kind, [entry.client for entry in awareness.decode(body)]) == (Kind.AWARENESS, [7])


def test_w6_message_3_is_answered_and_unknown_kinds_are_counted(node: Node, server: Stage) -> None:
    flow = server.flow()
    before = server.metrics().get('scaiflow_sync_frames_in_total{kind="unknown"}', 0)
    raw(node, server, "raw", flow)
    for frame in ("64", "0009", "020000", "03"):
        node.ask("send", id="raw", frame=frame)
    node.until("frames", id="raw", count=2)
    assert frames(node, "raw")[1] == (Kind.AWARENESS, b"\x00")
    assert server.metrics()['scaiflow_sync_frames_in_total{kind="unknown"}'] == before + 3


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"frame": ""}, 1007),
        ({"text": "hello"}, 1003),
        ({"frame": "00"}, 1007),
        ({"frame": "000205aa"}, 1007),
        ({"frame": "0002020000ff"}, 1007),
        ({"frame": protocol.update(b"\xff\xff\xff").hex()}, 1007),
        ({"frame": protocol.step1(b"\x80\x80\x80\x39").hex()}, 1007),
        ({"frame": protocol.awareness(b"\x01\x05\x01\x01[").hex()}, 1007),
        ({"frame": protocol.update(b"\x01\x01\x05\x00\x08\x01\x01a\x01" + b"u\x01" * 60_000).hex()}, 1007),
    ],
    ids=["empty", "text", "short", "cut", "trailing", "no-update", "no-vector", "no-awareness", "too-deep"],
)
def test_w6_a_malformed_frame_closes_that_one_client(
    node: Node, server: Stage, frame: dict[str, str], code: int
) -> None:
    flow = server.flow()
    join(node, server, "ada", flow)
    join(node, server, "bob", flow)
    raw(node, server, "bad", flow)
    node.ask("send", id="bad", **frame)
    node.until("closedWith", id="bad", code=code)
    node.ask("set", id="ada", key="still", value="here")
    node.until("has", id="bob", key="still", value="here")
    assert node.ask("closes", id="bob")["closes"] == []


DEEP = b'{"a":' + b"[" * 300 + b"]" * 300 + b"}"
BAD = {
    "no-vector": protocol.step1(b"\x05\x05"),
    **{f"breaking-{number}": protocol.update(update) for number, update in enumerate(BREAKING)},
    "deep-awareness": protocol.awareness(b"\x01\x05\x01" + write_bytes(DEEP)),
    "endless-clock": protocol.awareness(b"\x01\x05" + write_uint(2**53 - 1) + write_bytes(b"{}")),
}


@pytest.mark.parametrize("name", BAD)
def test_w6_what_is_wrong_while_a_group_is_collected_closes_nobody_else_whatever_they_are_at(
    node: Node, server: Stage, name: str
) -> None:
    """The bad frame comes with a good one in the same packet."""
    flow, other = server.flow(), server.flow()
    join(node, server, "ada", flow)
    join(node, server, "eva", other)
    doc: Doc = Doc()
    doc.get("words", type=Array).append("honest")
    packet = [Frame(Opcode.BINARY, frame) for frame in (protocol.update(doc.get_update()), BAD[name])]
    with connect(f"{server.url(flow)}/sync?token={server.token()}", compression=None) as bad:
        bad.recv(timeout=20)
        bad.socket.sendall(b"".join(frame.serialize(mask=True) for frame in packet))
        node.ask("set", id="ada", key="still", value="here")
        node.ask("set", id="eva", key="still", value="here")
        if not name.startswith("breaking"):  # which may be taken in, as something that waits
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    bad.recv(timeout=20)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1007
    join(node, server, "cem", flow)
    join(node, server, "fay", other)
    for newcomer in ("cem", "fay"):
        node.until("has", id=newcomer, key="still", value="here")
    assert [node.ask("closes", id=one)["closes"] for one in ("ada", "eva")] == [[], []]


MANY = {
    "nested": ([protocol.update(update) for update in nested(12_000)], {1009, 1013}),
    "waiting": ([protocol.update(typed(2)[1]) for _ in range(60)], {1007}),
}


@pytest.mark.parametrize("name", MANY)
def test_w6_what_is_hostile_only_when_there_is_much_of_it_closes_nobody_else(
    node: Node, server: Stage, name: str
) -> None:
    """Types in types, one by one, long before deleting them would end the process; and changes that wait for what never
    comes."""
    flow = server.flow()
    join(node, server, "ada", flow)
    updates, codes = MANY[name]
    packet = b"".join(Frame(Opcode.BINARY, update).serialize(mask=True) for update in updates)
    with connect(f"{server.url(flow)}/sync?token={server.token()}", compression=None) as bad:
        bad.recv(timeout=20)
        bad.socket.sendall(packet)
        deadline = time.monotonic() + 20
        with pytest.raises(ConnectionClosed) as closed:
            while time.monotonic() < deadline:
                bad.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code in codes
    node.ask("set", id="ada", key="still", value="here")
    join(node, server, "cem", flow)
    node.until("has", id="cem", key="still", value="here")
    assert node.ask("closes", id="ada")["closes"] == []


def test_w7_too_large_a_frame_is_1009_and_a_large_one_is_not(node: Node, server: Stage) -> None:
    flow = server.flow()
    join(node, server, "ada", flow)
    join(node, server, "bob", flow)
    node.ask("fill", id="ada", key="big", characters=9_000_000)
    node.ask("set", id="ada", key="after", value=1)
    node.until("has", id="bob", key="after", value=1)
    assert node.ask("closes", id="bob")["closes"] == []
    raw(node, server, "raw", flow)
    node.ask("sendSize", id="raw", bytes=17 * 1024 * 1024)
    node.until("closedWith", id="raw", code=1009)


def test_w7_who_does_not_read_is_closed_and_loses_nothing_and_nobody_waits(node: Node, server: Stage) -> None:
    flow = server.flow()
    join(node, server, "ada", flow)
    join(node, server, "bob", flow)
    join(node, server, "slow", flow)
    node.ask("pause", id="slow")
    for number in range(16):
        node.ask("fill", id="ada", key=f"big {number}", characters=1_000_000)
        node.ask("set", id="ada", key="round", value=number)
        assert node.until("has", id="bob", key="round", value=number) < 2000
    assert server.metrics()["scaiflow_sync_queued_bytes"] < 6_000_000
    assert server.metrics()['scaiflow_sync_drops_total{code="1013"}'] >= 1
    node.ask("resume", id="slow")
    node.until("closedWith", id="slow", code=1013)
    node.until("equal", ids=["ada", "bob", "slow"])


@pytest.mark.slow
def test_w7_readers_who_do_not_read_do_not_make_memory_grow(node: Node, server: Stage) -> None:
    """What waits for each of them is bounded, and then they are gone: else five would keep 300 MB of what goes by."""
    flow = server.flow()
    join(node, server, "ada", flow)
    join(node, server, "bob", flow)
    without = max(most_memory(node, server) for _ in range(2))
    for number in range(5):
        join(node, server, f"slow {number}", flow)
        node.ask("pause", id=f"slow {number}")
    assert most_memory(node, server) - without < 150_000


def most_memory(node: Node, server: Stage) -> int:
    """KiB, while sixty megabytes go from ada to bob."""
    most = 0
    for number in range(60):
        node.ask("fill", id="ada", key="big", characters=1_000_000)
        node.ask("set", id="ada", key="round", value=number)
        node.until("has", id="bob", key="round", value=number)
        most = max(most, server.resident())
    return most


@pytest.mark.parametrize("where", ["token", "access_token", "subprotocol"])
def test_w12_the_token_is_read_from_the_query_or_a_subprotocol(node: Node, server: Stage, where: str) -> None:
    url, token = f"{server.url(server.flow())}/sync", server.token()
    if where == "subprotocol":
        node.ask("rawOpen", id="raw", url=url, protocols=["bearer", token])
    else:
        node.ask("rawOpen", id="raw", url=f"{url}?{where}={token}")
    node.until("frames", id="raw", count=1)
    assert node.ask("raw", id="raw")["protocol"] == ("bearer" if where == "subprotocol" else "")


@pytest.mark.parametrize("protocols", [[], ["bearer", "not-a-token"]], ids=["query", "subprotocol"])
def test_w12_a_bad_token_is_told_after_the_upgrade(node: Node, server: Stage, protocols: list[str]) -> None:
    node.ask("rawOpen", id="raw", url=f"{server.url(server.flow())}/sync", protocols=protocols)
    node.until("closedWith", id="raw", code=4401)
    told = node.ask("raw", id="raw")
    assert (told["status"], told["protocol"]) == (101, "bearer" if protocols else "")


def test_w12_a_page_of_another_site_is_refused_at_the_upgrade(node: Node, server: Stage) -> None:
    flow = server.flow()
    url = f"{server.url(flow)}/sync?token={server.token()}"
    for origin, status in (
        ("https://evil.example", 403),
        ("http://localhost:5173", 101),
        (server.url(flow).replace("ws:", "http:").partition("/api")[0], 101),
        ("null", 403),
    ):
        node.ask("rawOpen", id=origin, url=url, headers={"Origin": origin})
        node.until("opened", id=origin)
        assert node.ask("raw", id=origin)["status"] == status, origin


def test_w12_an_unseen_flow_is_4404_and_a_token_without_the_permission_4403(node: Node, server: Stage) -> None:
    flow = server.flow()
    for name, address, token, code in (
        ("olaf", f"{server.url(flow)}/sync", server.token("usr_olaf", tenant_id="tnt_other"), 4404),
        ("none", f"{server.url('flow_none')}/sync", server.token(), 4404),
        ("nowhere", f"{server.url(flow)}/nothing", server.token(), 4404),
        ("openid", f"{server.url(flow)}/sync", server.token(scope="openid"), 4403),
        ("old", f"{server.url(flow)}/sync", server.token(exp=1), 4401),
    ):
        node.ask("rawOpen", id=name, url=f"{address}?token={token}")
        node.until("closedWith", id=name, code=code)


def test_w12_more_than_twenty_sockets_of_a_user_are_refused_and_the_others_stay(node: Node, server: Stage) -> None:
    flows = [server.flow() for _ in range(2)]
    token = server.token("usr_many")
    make_known(server, "usr_many", admin_role="tenant_admin", admin_role_source="manual")
    for number in range(20):
        node.ask("rawOpen", id=f"raw {number}", url=f"{server.url(flows[number % 2])}/sync?token={token}")
        node.until("frames", id=f"raw {number}", count=1)
    node.ask("rawOpen", id="one more", url=f"{server.url(flows[0])}/sync?token={token}")
    node.until("closedWith", id="one more", code=4429)
    node.ask("end", id="raw 0")
    join(node, server, "ada", flows[0])
    assert [node.ask("raw", id=f"raw {number}")["close"] for number in range(1, 20)] == [None] * 19


def test_w12_more_than_a_hundred_sockets_on_a_flow_are_refused_and_the_others_stay(node: Node, server: Stage) -> None:
    flow = server.flow()
    tokens = []
    for number in range(6):
        grant(server, flow, f"usr_full{number}", "view")
        tokens.append(server.token(f"usr_full{number}"))
    held = [f"raw {number}" for number in range(100)]
    for number, name in enumerate(held):
        raw(node, server, name, flow, tokens[number // 20])
    for name in held:
        node.until("frames", id=name, count=1)
    raw(node, server, "one more", flow, tokens[5])
    node.until("closedWith", id="one more", code=4429)
    assert [node.ask("raw", id=name)["close"] for name in held] == [None] * 100
