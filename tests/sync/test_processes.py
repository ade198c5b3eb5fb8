"""Two processes over a real Redis: realtime.md, W9, and what happens when Redis is not there for a while."""

from __future__ import annotations

import itertools
import signal
import statistics
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from flows.streams import dropped_key, log_key
from tests.servers import RestartingRedis
from tests.sync.node import Node
from tests.sync.people import join, make_known
from tests.sync.stage import Stage

pytestmark = [pytest.mark.process, pytest.mark.django_db]


@pytest.fixture(scope="module")
def broker() -> Iterator[RestartingRedis]:
    running = RestartingRedis()
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def two(make_stage: Callable[..., Stage], broker: RestartingRedis) -> Iterator[Stage]:
    stage = make_stage(SCAIFLOW_REDIS_URL=broker.url, SCAIFLOW_SYNC_IDLE_SECONDS="1")
    stage.start("server")
    stage.start("other")
    yield stage
    for name in list(stage.group.running):
        stage.kill(name).wait()


def test_w9_updates_and_people_cross(node: Node, two: Stage) -> None:
    flow = two.flow()
    ada = join(node, two, "ada", flow, state={"at": "home"})
    bob = join(node, two, "bob", flow, server="other")

    def update(number: int) -> float:
        node.ask("set", id="ada", key="n", value=number)
        return node.until("has", id="bob", key="n", value=number)

    def move(number: int) -> float:
        node.ask("awareness", id="ada", state={"at": number})
        return node.until("seesState", id="bob", other=ada, key="at", value=number)

    assert best_median(update) < 100
    node.until("sees", id="bob", other=ada)
    node.until("sees", id="ada", other=bob)
    assert best_median(move) < 100
    node.ask("cut", id="bob")
    node.until("sawLeave", id="ada", other=bob)


def best_median(crossing: Callable[[int], float]) -> float:
    """Milliseconds. What is promised is promised of a machine that has time for it: while others keep it busy, it is
    tried again; what is too slow by itself is so each time."""
    medians = []
    for start in range(0, 200, 20):
        medians.append(statistics.median(crossing(number) for number in range(start, start + 20)))
        if medians[-1] < 100:
            break
    return min(medians)


def test_w1_a_newcomer_on_one_process_is_told_who_is_on_the_other(node: Node, two: Stage) -> None:
    flow = two.flow()
    ada = join(node, two, "ada", flow, state={"x": 1})
    node.until("sees", id="ada", other=ada)
    node.ask("set", id="ada", key="k", value="v")
    join(node, two, "bob", flow, server="other")
    node.until("has", id="bob", key="k", value="v")
    node.until("sees", id="bob", other=ada, seconds=10)  # and not only when she says so again, after 15 s


def test_w3_many_writers_on_both_converge(node: Node, two: Stage) -> None:
    flow = two.flow()
    names = [f"{server} {number}" for server in ("server", "other") for number in range(3)]
    for name in names:
        join(node, two, name, flow, server=name.partition(" ")[0])
    for name in names:
        node.ask("push", id=name, count=100)
    for name in names:
        node.until("length", id=name, count=600)
    node.until("equal", ids=names)


def test_w9_redis_restarts_empty_in_between_and_nothing_is_lost(
    node: Node, two: Stage, broker: RestartingRedis
) -> None:
    flow = two.flow()
    ada = join(node, two, "ada", flow, state={"x": 1})
    join(node, two, "bob", flow, server="other")
    node.ask("push", id="ada", count=50)
    broker.stop()
    for start in range(50, 250, 50):
        node.ask("push", id="ada", **{"from": start}, count=50)
        node.ask("push", id="bob", **{"from": start + 1000}, count=50)
    broker.start()
    for name in ("ada", "bob"):
        node.until("length", id=name, count=450)
    node.until("equal", ids=["ada", "bob"])
    node.ask("push", id="bob", count=1)
    node.until("length", id="ada", count=451)
    node.until("sees", id="bob", other=ada)
    assert node.ask("closes", id="ada")["closes"] == []


def test_w9_a_process_that_slept_while_much_was_written_gets_all_of_it(
    node: Node, two: Stage, broker: RestartingRedis
) -> None:
    """What is in the database leaves the stream when it is much: whoever was behind that sees that something is missing."""
    flow = two.flow()
    join(node, two, "ada", flow)
    join(node, two, "cem", flow)
    join(node, two, "bob", flow, server="other")
    other = two.group.running["other"]
    other.send_signal(signal.SIGSTOP)
    try:
        with Redis.from_url(broker.url) as redis:
            for number in itertools.count():
                node.ask("fill", id="ada", key="big", characters=500_000)
                node.ask("set", id="ada", key=str(number), value=number)
                node.until("has", id="cem", key=str(number), value=number)
                if redis.exists(dropped_key(flow)):
                    break
            assert redis.memory_usage(log_key(flow)) < 20_000_000
    finally:
        other.send_signal(signal.SIGCONT)
    node.until("equal", ids=["ada", "bob"])


def test_w9_what_redis_would_not_take_crosses_by_the_database(node: Node, two: Stage, broker: RestartingRedis) -> None:
    """It answers, and wakes, but is full: the others learn that there is more in the database."""
    flow = two.flow()
    join(node, two, "ada", flow)
    join(node, two, "bob", flow, server="other")
    with Redis.from_url(broker.url) as redis:
        redis.config_set("maxmemory", 1)
        node.ask("set", id="ada", key="n", value=1)
        while not two.rows("SELECT 1 FROM flows_documentupdate WHERE flow_id = ? LIMIT 1", flow):
            node.ask("read", id="ada")
        redis.config_set("maxmemory", 0)
    node.until("has", id="bob", key="n", value=1)


def test_w8_what_another_process_was_told_outlives_the_writers_process(node: Node, two: Stage) -> None:
    flow = two.flow()
    join(node, two, "ada", flow)
    join(node, two, "bob", flow, server="other")
    node.ask("push", id="ada", count=200)
    node.until("length", id="bob", count=200)
    two.kill("server").wait()
    node.ask("end", id="ada")
    node.ask("end", id="bob")
    join(node, two, "later", flow, server="other")
    assert len(node.ask("read", id="later")["list"]) == 200
    two.again("server")


def test_what_a_dead_process_left_in_redis_is_brought_into_the_database(
    node: Node, two: Stage, broker: RestartingRedis
) -> None:
    """By the beat's task: nobody has to open the flow for it."""
    flow = two.flow()
    join(node, two, "ada", flow)
    join(node, two, "bob", flow)
    stored = "SELECT count(*) FROM flows_documentupdate WHERE flow_id = ?"
    node.ask("push", id="ada", count=10)
    node.until("length", id="bob", count=10)  # who is told only of what is in Redis
    two.kill("server", signal.SIGKILL).wait()
    for name in ("ada", "bob"):
        node.ask("end", id=name)
    two.command("shell", "-c", "from flows.operations.documents import compact_forgotten; compact_forgotten()")
    assert two.rows("SELECT length(state) > 2 FROM flows_flowdocument WHERE flow_id = ?", flow) == [(1,)]
    assert two.rows(stored, flow) == [(0,)]
    two.again("server")
    join(node, two, "later", flow)
    assert node.ask("read", id="later")["list"] == list(range(10))


def test_w12_the_limits_hold_over_all_processes(node: Node, two: Stage) -> None:
    flow = two.flow()
    make_known(two, "usr_many", admin_role="tenant_admin", admin_role_source="manual")
    token = two.token("usr_many")
    for number in range(20):
        name = ("server", "other")[number % 2]
        node.ask("rawOpen", id=f"raw {number}", url=f"{two.url(flow, name)}/sync?token={token}")
        node.until("frames", id=f"raw {number}", count=1)
    node.ask("rawOpen", id="one more", url=f"{two.url(flow, 'other')}/sync?token={token}")
    node.until("closedWith", id="one more", code=4429)


def test_presence_is_the_same_on_all_processes(node: Node, two: Stage) -> None:
    flow = two.flow()
    two.call("POST", f"/api/v1/flows/{flow}/presence/heartbeat", {"display_name": "Ada", "color": "#0f0"})
    tara = two.token("usr_sam")
    make_known(two, "usr_sam", admin_role="tenant_admin", admin_role_source="manual")
    told = two.call("GET", f"/api/v1/flows/{flow}/presence", token=tara, name="other").body["peers"]
    assert [(peer["user_id"], peer["display_name"], peer["color"]) for peer in told] == [("usr_ada", "Ada", "#0f0")]
    two.call("DELETE", f"/api/v1/flows/{flow}/presence", name="other")
    assert two.call("GET", f"/api/v1/flows/{flow}/presence", token=tara).body == {"peers": []}
