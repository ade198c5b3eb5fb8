"""ScaiQueue, ScaiBunker, ScaiVault and ScaiKey's directory, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.sandbox.client import SandboxClient, step

SCOPES = "/v1/modules/scaiqueue/scopes"


@pytest.fixture
def service(sandbox_url: str) -> SandboxClient:
    return SandboxClient(sandbox_url).service()


@pytest.fixture
def switches(sandbox_url: str) -> Iterator[SandboxClient]:
    client = SandboxClient(sandbox_url)
    before = client.get("/sandbox/switches").json
    yield client
    client.post("/sandbox/switches", before)


def queue(client: SandboxClient, scope: str, slug: str, **more: object) -> str:
    scope_id = client.post(SCOPES, {"slug": scope}).data["id"]
    made = client.post(f"{SCOPES}/{scope_id}/queues", {"slug": slug, **more})
    return f"{SCOPES}/{scope_id}/queues/{made.data['id']}"


def test_a_scope_and_its_queues_are_made_and_listed(ada: SandboxClient) -> None:
    scope = ada.post(SCOPES, {"slug": "listed", "display_name": "Listed"})
    path = f"{SCOPES}/{scope.data['id']}/queues"
    made = ada.post(path, {"slug": "one", "display_name": "One", "consumer_mode": "priority", "max_retries": 2})

    assert (scope.status, made.status) == (201, 201)
    assert ada.get(path).data == [made.data]
    assert "listed" in {one["slug"] for one in ada.get(SCOPES).data}


def test_a_taken_slug_is_409_and_returns_nothing(ada: SandboxClient) -> None:
    scope_id = ada.post(SCOPES, {"slug": "twice"}).data["id"]
    ada.post(f"{SCOPES}/{scope_id}/queues", {"slug": "q"})

    for answer in (ada.post(SCOPES, {"slug": "twice"}), ada.post(f"{SCOPES}/{scope_id}/queues", {"slug": "q"})):
        assert (answer.status, answer.code) == (409, "SLUG_CONFLICT")
        assert "data" not in answer.json


@pytest.mark.parametrize(
    "body", [{}, {"slug": "Bad Slug"}, {"slug": "q", "consumer_mode": "lifo"}, {"slug": "q", "max_retries": 101}]
)
def test_a_queue_of_a_wrong_shape_is_422(ada: SandboxClient, body: dict[str, object]) -> None:
    scopes = ada.get(SCOPES).data or [ada.post(SCOPES, {"slug": "shapes"}).data]

    assert ada.post(f"{SCOPES}/{scopes[0]['id']}/queues", body).status == 422


def test_queues_need_their_own_permission_and_stay_in_their_tenant(
    ada: SandboxClient, vera: SandboxClient, olaf: SandboxClient
) -> None:
    path = queue(ada, "guarded", "q")

    refused = vera.post(SCOPES, {"slug": "nope"})
    assert (refused.status, refused.json["error"]["message"]) == (403, "permission_denied: need scaiqueue:manage")
    assert olaf.get(f"{path}/messages").status == 404


@pytest.mark.parametrize(
    ("mode", "order"), [("fifo", ["a", "b", "c"]), ("priority", ["c", "a", "b"]), ("deadline", ["b", "a", "c"])]
)
def test_messages_come_in_the_order_of_the_consumer_mode(ada: SandboxClient, mode: str, order: list[str]) -> None:
    path = queue(ada, f"mode-{mode}", "q", consumer_mode=mode)
    for name, priority, deadline in (("a", "normal", "2026-02-01"), ("b", "low", "2026-01-01"), ("c", "high", None)):
        labels = {"deadline": deadline} if deadline else {}
        ada.post(f"{path}/messages", {"payload": name, "priority": priority, "labels": labels})

    taken = [ada.post(f"{path}/consume", {"limit": 1}).data[0]["payload"] for _ in range(3)]

    assert taken == order
    assert ada.post(f"{path}/consume").data == []


def test_a_broadcast_reaches_every_consumer_once(ada: SandboxClient) -> None:
    path = queue(ada, "news", "q", consumer_mode="broadcast")
    tara = SandboxClient(ada.base_url).sign_in("usr_tara")
    ada.post(f"{path}/messages", {"payload": "hello"})

    assert [len(reader.post(f"{path}/consume").data) for reader in (ada, ada, tara)] == [1, 0, 1]


def test_a_secret_is_kept_versioned_and_deleted(service: SandboxClient) -> None:
    path = "/v1/secrets/tenants/tnt_demo/key"
    body = {"data": {"value": "s3cret"}, "secret_type": "api_key"}

    assert service.send("PUT", path, body).json["version"] == 1
    assert service.send("PUT", path, body).json["version"] == 2
    assert service.get(path).json["data"] == {"value": "s3cret"}
    assert service.send("DELETE", path).status == 204
    missing = service.get(path)
    assert (missing.status, missing.code) == (404, "secret_not_found")


def test_secrets_are_closed_to_people_even_to_admins(sandbox_url: str) -> None:
    sam = SandboxClient(sandbox_url).sign_in("usr_sam")

    assert sam.get("/v1/secrets/any").status == 403


@pytest.mark.parametrize("path", ["UPPER", "a.b", "sp%20ace", "x" * 513])
def test_a_secret_path_outside_of_the_alphabet_is_refused(service: SandboxClient, path: str) -> None:
    assert service.send("PUT", f"/v1/secrets/{path}", {"data": {"value": "x"}}).status == 400


def test_bunkers_of_a_run_are_listed_and_end_with_it(ada: SandboxClient, olaf: SandboxClient) -> None:
    create = {"alias": "scaibunker", "method": "create", "args": {"image": "python-3.12", "lifecycle": "persistent"}}
    bunker_id = ada.run(ada.deploy([step("a", plugin_call=create)]), {})["output"]["bunker_id"]
    create["args"] = {"image": "python-3.12"}
    gone_id = ada.run(ada.deploy([step("a", plugin_call=create)]), {})["output"]["bunker_id"]

    listed = {one["bunker_id"]: one for one in ada.get("/v1/modules/scaibunker/bunkers?limit=500").data}

    assert (listed[bunker_id]["status"], listed[bunker_id]["image_ref"]) == ("ready", "python-3.12")
    assert listed[gone_id]["status"] == "destroyed"
    assert bunker_id not in {one["bunker_id"] for one in olaf.get("/v1/modules/scaibunker/bunkers").data}


def test_the_admin_lists_page_to_the_end(service: SandboxClient) -> None:
    path = "/api/v1/tenants/tnt_demo/applications/me/effective-users?per_page=3"

    pages = [service.get(f"{path}&page={page}").json for page in (1, 2, 3)]

    assert [len(page["items"]) for page in pages] == [3, 1, 0]
    assert pages[0]["total"] == 4
    assert {"id", "email", "first_name", "last_name", "status", "tenant_id"} <= pages[0]["items"][0].keys()


def test_groups_and_members_are_listed(service: SandboxClient) -> None:
    groups = service.get("/api/v1/admin/groups/?tenant_id=tnt_other").json["items"]
    members = service.get("/api/v1/admin/groups/grp_finance/members").json["items"]

    assert [group["id"] for group in groups] == ["grp_other"]
    assert [member["id"] for member in members] == ["usr_ada", "usr_tara"]


def test_the_directory_is_closed_to_people(ada: SandboxClient) -> None:
    assert ada.get("/api/v1/admin/groups/").status == 403


def test_switches_take_the_platform_rights_and_the_user_list_away(
    service: SandboxClient, switches: SandboxClient
) -> None:
    assert service.get("/api/v1/admin/tenants").json["total"] == 2
    switches.post("/sandbox/switches", {"platform_rights": False, "effective_users": False})

    assert service.get("/api/v1/admin/tenants").status == 403
    assert service.get("/api/v1/tenants/tnt_demo/applications/me/effective-users").status == 403
    assert service.get("/api/v1/admin/groups/?tenant_id=tnt_other").status == 403
    assert service.get("/api/v1/admin/groups/grp_finance/members").status == 200


@pytest.mark.parametrize(
    ("envelope", "keys"), [("native", {"data"}), ("openai", {"object", "data"}), ("items", {"data"})]
)
def test_the_model_list_comes_in_every_documented_envelope(
    ada: SandboxClient, switches: SandboxClient, envelope: str, keys: set[str]
) -> None:
    switches.post("/sandbox/switches", {"model_list": envelope})

    found = ada.get("/v1/models").json

    items = found["data"]["items"] if envelope == "items" else found["data"]
    assert set(found) == keys
    assert "openai/gpt-4o" in {item["id" if envelope == "openai" else "slug"] for item in items}


def test_the_rate_limit_answers_429_with_the_documented_headers(
    sandbox_url: str, switches: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaiflow.sandbox.ratelimit._WINDOW_SECONDS", 10**9)  # else a minute may end between the calls
    client = SandboxClient(sandbox_url).sign_in("usr_tara")
    switches.post("/sandbox/switches", {"rate_limit": 2})

    answers = [client.get("/v1/models") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-Scaigrid-Ratelimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["X-Scaigrid-Ratelimit-Limit"] == "2"
    assert int(answers[2].headers["Retry-After"]) == answers[2].json["error"]["retry_after"] > 0


def test_a_switch_breaks_what_is_under_its_prefix_only(ada: SandboxClient, switches: SandboxClient) -> None:
    switches.post("/sandbox/switches", {"fail_status": 503, "fail_prefix": "/v1/modules/scaiqueue"})

    assert ada.get(SCOPES).status == 503
    assert ada.get("/v1/models").status == 200


def test_a_switch_slows_the_services_down_but_not_the_pages(ada: SandboxClient, switches: SandboxClient) -> None:
    switches.post("/sandbox/switches", {"latency_ms": 600})

    started = time.monotonic()
    assert ada.get("/v1/models").status == 200
    slow = time.monotonic() - started
    switches.post("/sandbox/switches", {"latency_ms": 60_000})
    assert ada.get("/sandbox/runs").status == 200  # not after a minute: the client waits for thirty seconds

    assert slow >= 0.6


@pytest.mark.parametrize(
    "body",
    [
        {"unknown": 1}, {"rate_limit": "many"}, {"platform_rights": 1}, {"latency_ms": -1}, {"latency_ms": 60_001},
        {"fail_status": 200}, {"fail_status": 600}, {"rate_limit": -1}, {"model_list": "yaml"}, {"latency_ms": True},
    ],
)  # fmt: skip
def test_a_wrong_switch_is_422(switches: SandboxClient, body: dict[str, object]) -> None:
    assert switches.post("/sandbox/switches", body).status == 422


def test_the_controls_do_not_answer_other_sites(own_url: str) -> None:
    client = SandboxClient(own_url)

    for origin in ("https://evil.example", "null"):
        assert client.send("POST", "/sandbox/rotate-keys", {}, Origin=origin).status == 403
    assert client.send("POST", "/sandbox/rotate-keys", {}, Origin=own_url).status == 200


def press(client: SandboxClient, button: str) -> int:
    return client.form("/sandbox/trouble", {"do": button}).status


def test_the_page_of_troubles_breaks_and_mends_the_services(ada: SandboxClient, switches: SandboxClient) -> None:
    assert press(ada, "scaiqueue") == 303
    assert (ada.get(SCOPES).status, ada.get("/v1/models").status) == (403, 200)
    assert ada.get("/sandbox/trouble").text.count("<strong>on</strong>") == 1
    assert press(ada, "none") == 303
    assert ada.get(SCOPES).status == 200
    assert press(ada, "nonsense") == 404


def test_the_page_of_troubles_makes_time_pass_and_rotates_keys(own_url: str) -> None:
    ada = SandboxClient(own_url)
    before, keys = ada.get("/sandbox/state").json["now"], ada.get("/api/v1/platform/oauth/jwks").json["keys"]
    assert (press(ada, "minute"), press(ada, "keys")) == (303, 303)
    assert ada.get("/sandbox/state").json["now"] > before
    assert {key["kid"] for key in ada.get("/api/v1/platform/oauth/jwks").json["keys"]} - {key["kid"] for key in keys}


@pytest.mark.parametrize("path", ["/", "/sandbox/directory", "/sandbox/trouble", "/sandbox/runs", "/sandbox/queues"])
def test_the_pages_say_what_they_are_and_run_no_script(sandbox_url: str, path: str) -> None:
    answer = SandboxClient(sandbox_url).get(path)

    assert answer.status == 200
    assert "development aid" in answer.text
    assert "<script" not in answer.text
    # Under no-referrer a browser says `Origin: null` when a button is pressed, and the button would be refused.
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("limit", ["0", "-1", "x", "%C2%B2", "9" * 5000])
def test_a_limit_that_is_no_positive_integer_is_422(ada: SandboxClient, limit: str) -> None:
    for path in (SCOPES, "/v1/modules/scaicore/cores", "/v1/modules/scaicore/events", "/v1/modules/scaibunker/bunkers"):
        assert ada.get(f"{path}?limit={limit}").status == 422


@pytest.mark.parametrize("cursor", ["x", "%25", "c2VxOng=", "%C3%A9"])
def test_a_cursor_that_is_not_ours_is_400(ada: SandboxClient, cursor: str) -> None:
    for path in (SCOPES, "/v1/modules/scaicore/cores", "/v1/modules/scaicore/events"):
        assert ada.get(f"{path}?cursor={cursor}").status == 400


def test_an_unknown_route_is_a_404_in_the_envelope(sandbox_url: str) -> None:
    answer = SandboxClient(sandbox_url).get("/v1/nothing")

    assert (answer.status, answer.code) == (404, "NOT_FOUND")
