"""Access that changes while people are connected: realtime.md, W11. Two processes, so that no process is told by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import running_redis
from tests.sync.node import Node
from tests.sync.people import grant, join, make_known
from tests.sync.stage import WEBHOOKS, Stage

pytestmark = [pytest.mark.process, pytest.mark.django_db]
PROMISED = 2000.0  # milliseconds
SOON = 4.0  # seconds, for what no operation has done: it is seen by looking once a second, and the machine may be busy


@pytest.fixture(scope="module")
def two(make_stage: Callable[..., Stage]) -> Iterator[Stage]:
    """Two processes over one Redis and one database. All changes are made on the first, all people are on the other."""
    with running_redis() as url:
        stage = make_stage(SCAIFLOW_REDIS_URL=url, SCAIFLOW_SCAIKEY_WEBHOOK_SECRET=WEBHOOKS)
        stage.start("server")
        stage.start("other")
        make_known(stage, "usr_root", admin_role="super_admin", admin_role_source="manual")
        yield stage
        for name in list(stage.group.running):
            stage.kill(name).wait()


def is_closed_in_time(node: Node, name: str, code: int) -> None:
    """Counted from when the change was answered, which is after it was committed."""
    assert node.until("closedWith", id=name, code=code) < PROMISED


def test_w11_a_grant_that_is_revoked_closes_4403_and_nobody_else(node: Node, two: Stage) -> None:
    flow = two.flow()
    entry = grant(two, flow, "usr_bob", "edit")
    join(node, two, "ada", flow)
    join(node, two, "bob", flow, "usr_bob", server="other")
    two.call("DELETE", f"/api/v1/flows/{flow}/acls/{entry}")
    is_closed_in_time(node, "bob", 4403)
    assert node.ask("closes", id="ada")["closes"] == []


def test_w11_a_change_is_told_and_not_only_found_once_a_second(node: Node, two: Stage) -> None:
    times = []
    for name in ("bob", "cem", "eva"):
        flow = two.flow()
        entry = grant(two, flow, f"usr_{name}", "edit")
        join(node, two, name, flow, f"usr_{name}", server="other")
        two.call("DELETE", f"/api/v1/flows/{flow}/acls/{entry}")
        times.append(node.until("closedWith", id=name, code=4403))
    assert min(times) < 300


def test_w11_a_level_that_is_lowered_closes_and_who_comes_back_may_read(node: Node, two: Stage) -> None:
    flow = two.flow()
    entry = grant(two, flow, "usr_bob", "edit")
    join(node, two, "bob", flow, "usr_bob", server="other")
    two.call("PATCH", f"/api/v1/flows/{flow}/acls/{entry}", {"level": "view"})
    is_closed_in_time(node, "bob", 4403)
    node.ask("connect", id="bob")  # y-websocket does not come back by itself after a 44..
    node.until("syncs", id="bob", count=2)


def test_a_level_that_is_raised_lets_what_was_refused_in(node: Node, two: Stage) -> None:
    flow = two.flow()
    entry = grant(two, flow, "usr_bob", "view")
    join(node, two, "ada", flow)
    join(node, two, "bob", flow, "usr_bob", server="other")
    node.ask("set", id="bob", key="early", value=1)
    two.call("PATCH", f"/api/v1/flows/{flow}/acls/{entry}", {"level": "edit"})
    node.until("has", id="ada", key="early", value=1, seconds=SOON)
    assert node.ask("closes", id="bob")["closes"] == []


def test_w11_a_deleted_flow_closes_4404_everywhere(node: Node, two: Stage) -> None:
    flow = two.flow()
    join(node, two, "ada", flow)
    join(node, two, "away", flow, server="other")
    two.call("DELETE", f"/api/v1/flows/{flow}")
    for name in ("ada", "away"):
        is_closed_in_time(node, name, 4404)


def test_w11_a_flow_that_is_given_to_somebody_else_closes_4403(node: Node, two: Stage) -> None:
    flow = two.flow()
    join(node, two, "ada", flow, server="other")
    make_known(two, "usr_heir")
    body = {"owner_id": "usr_heir"}
    told = two.call("POST", f"/api/v1/admin/flows/{flow}/owner", body, token=two.token("usr_root"))
    assert told.status == 200, told
    is_closed_in_time(node, "ada", 4403)


def test_w11_a_token_that_runs_out_closes_4401(node: Node, two: Stage) -> None:
    flow = two.flow()
    join(node, two, "later", flow, server="other")
    for life in (2, 10, 60):  # seconds; more, where the machine is too busy to let anybody in meanwhile
        end = int(time.time()) + life
        name, token = f"ada {life}", two.token(exp=end)
        node.ask("open", id=name, url=two.url(flow), token=token)
        node.until("closedWith", id=name, code=4401, seconds=life + 20)
        took = time.time() - end
        if node.ask("joined", id=name)["syncs"]:
            break
    assert node.ask("joined", id=name)["syncs"] == 1
    assert 0 <= took < PROMISED / 1000
    assert node.ask("closes", id="later")["closes"] == []


@pytest.mark.parametrize("event", ["user.suspended", "user.deleted"])
def test_w11_somebody_who_is_shut_out_is_closed_4401(node: Node, two: Stage, event: str) -> None:
    flow, sub = two.flow(), f"usr_{event.partition('.')[2]}"
    grant(two, flow, sub, "edit")
    join(node, two, "cleo", flow, sub, server="other")
    two.hook(event, id=sub)
    is_closed_in_time(node, "cleo", 4401)


def test_w11_an_admin_role_that_is_taken_away_closes_4403(node: Node, two: Stage) -> None:
    flow = two.flow()
    make_known(two, "usr_tara", admin_role="tenant_admin", admin_role_source="manual")
    join(node, two, "tara", flow, "usr_tara", server="other")
    told = two.call("DELETE", "/api/v1/admin/users/usr_tara/role", token=two.token("usr_root"))
    assert told.status == 204, told
    is_closed_in_time(node, "tara", 4403)


@pytest.mark.parametrize("event", ["group.member_removed", "group.deleted"])
def test_w11_somebody_who_loses_the_group_that_let_them_in_is_closed_4403(node: Node, two: Stage, event: str) -> None:
    flow, group = two.flow(), f"grp_{event.partition('.')[2]}"
    make_known(two, "usr_dan")
    two.hook("group.created", id=group, name=group)
    two.hook("group.member_added", group_id=group, user_id="usr_dan")
    body = {"principal_type": "group", "principal_id": group, "level": "edit"}
    assert two.call("POST", f"/api/v1/flows/{flow}/acls", body).status == 201
    join(node, two, "dan", flow, "usr_dan", server="other")
    two.hook(event, **({"group_id": group, "user_id": "usr_dan"} if event == "group.member_removed" else {"id": group}))
    is_closed_in_time(node, "dan", 4403)


def test_what_nobody_tells_of_is_found(node: Node, two: Stage) -> None:
    """A change in the database itself, as when the bell is not heard."""
    flow = two.flow()
    grant(two, flow, "usr_cleo", "edit")
    join(node, two, "cleo", flow, "usr_cleo", server="other")
    make_known(two, "usr_cleo", status="SUSPENDED")
    node.until("closedWith", id="cleo", code=4401, seconds=SOON)


@pytest.mark.slow
def test_the_token_is_in_no_log(node: Node, two: Stage) -> None:
    """Also not in those of servers that were started without our options."""
    for kind in ("plain daphne", "plain uvicorn"):
        two.start(kind, kind)
        flow = two.flow()
        join(node, two, kind, flow, server=kind)
        node.ask(
            "rawOpen",
            id=f"no {kind}",
            url=f"{two.url(flow, kind)}/sync?token=eyJ-nobody.knows.this",
            headers={"Origin": "https://x.y"},
        )
        node.until("opened", id=f"no {kind}")
        said = Path(two.folder / f"{kind}.log").read_text()
        assert "eyJ" not in said
        assert "token" not in said
        two.kill(kind).wait()
