"""People are put into groups and taken out at the sandbox, and ScaiFlow hears of it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from scaiflow.console.visitor import Answer, Visitor
from tests.drawings import greeting

pytestmark = [pytest.mark.process, pytest.mark.slow]
HOUR = 3600


def at_the_sandbox(stage: Visitor, method: str, path: str, body: object = None) -> Answer:
    key = urlsplit(stage.send("GET", "/api/v1/auth/config").body["scaikey_base_url"])
    return Visitor(f"{key.scheme}://{key.netloc}").send(method, f"/sandbox{path}", body)


def test_an_edit_of_a_group_opens_and_shuts_a_flow_however_far_the_sandbox_s_clock_was_moved(stage: Visitor) -> None:
    vera = Visitor(stage.base_url)
    vera.sign_in("usr_vera")
    flow_id = stage.send("POST", "/api/v1/flows", {"name": "For readers", "content": greeting()}).body["id"]
    made = at_the_sandbox(stage, "POST", "/groups", {"tenant_id": "tnt_demo", "name": "Readers"}).body
    group_id = made["event"]["data"]["id"]
    share = {"principal_type": "group", "principal_id": group_id, "level": "view"}
    assert stage.send("POST", f"/api/v1/flows/{flow_id}/acls", share).status == 201
    seen = [vera.send("GET", f"/api/v1/flows/{flow_id}").status]

    def edit(method: str) -> None:
        told = at_the_sandbox(stage, method, f"/groups/{group_id}/members/usr_vera")
        assert told.body["status"] == 200, told.body
        seen.append(vera.send("GET", f"/api/v1/flows/{flow_id}").status)

    edit("PUT")
    assert at_the_sandbox(stage, "POST", "/clock", {"advance_seconds": HOUR}).status == 200
    edit("DELETE")
    edit("PUT")

    assert seen == [404, 200, 404, 200]
