"""Lookups against services on loopback: every envelope, all pages, one shape, and the documented failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from scaiflow.upstream.breaker import breaker_for
from scaiflow.upstream.pages import MAX_PAGES
from tests.behind import cached
from tests.conftest import Caller, SignIn
from tests.loopback import Asked, Service, Told

pytestmark = pytest.mark.django_db
API = "/api/v1"
QUEUE, BUNKER = "/v1/modules/scaiqueue", "/v1/modules/scaibunker"
CREDENTIALS = f"{API}/tenants/me/scaigrid_credentials"
KEY = "sgk_0123456789abcdef"
LOOKUPS = {
    "scopes": (f"{API}/scaiqueue/scopes", f"{QUEUE}/scopes", "scaiqueue", "scaiqueue:view"),
    "queues": (f"{API}/scaiqueue/scopes/sc_1/queues", f"{QUEUE}/scopes/sc_1/queues", "scaiqueue", "scaiqueue:view"),
    "bunkers": (f"{API}/scaibunker/bunkers", f"{BUNKER}/bunkers", "scaibunker", "scaibunker:view"),
    "models": (f"{API}/scaigrid/models", "/v1/models", "scaigrid", "scaicore:view"),
}


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    cache.clear()
    breaker_for.cache_clear()
    yield
    cache.clear()


def asked_for(scaigrid: Service, item: dict[str, Any]) -> None:
    """Every lookup's road answers one item."""
    for _, road, _, _ in LOOKUPS.values():
        scaigrid.on("GET", road, Told(200, {"data": [item]}))


class TestShapes:
    def test_scopes_have_their_four_fields(self, ada: Caller, scaigrid: Service) -> None:
        scope = {"id": "sc_1", "slug": "support", "display_name": "Support", "description": "Desk", "internal": 7}
        scaigrid.on("GET", f"{QUEUE}/scopes", Told(200, {"status": "ok", "data": [scope, {"id": "sc_2", "slug": "b"}]}))
        assert ada.get(f"{API}/scaiqueue/scopes").json() == {
            "data": [
                {"id": "sc_1", "slug": "support", "display_name": "Support", "description": "Desk"},
                {"id": "sc_2", "slug": "b", "display_name": "b", "description": None},
            ]
        }

    def test_queues_have_their_six_fields(self, ada: Caller, scaigrid: Service) -> None:
        queue = {"id": "q_1", "slug": "review", "display_name": "Review", "consumer_mode": "fifo", "max_retries": 5}
        scaigrid.on("GET", f"{QUEUE}/scopes/sc_1/queues", Told(200, {"data": [queue]}))
        assert ada.get(f"{API}/scaiqueue/scopes/sc_1/queues").json() == {"data": [{**queue, "scope_id": "sc_1"}]}

    def test_bunkers_are_those_that_run_or_persist(self, ada: Caller, scaigrid: Service) -> None:
        states = [
            ("ephemeral", "ready"), ("ephemeral", "running"), ("ephemeral", "stopped"), ("persistent", "stopped"),
            ("persistent", "destroyed"), ("ephemeral", "destroyed"),
        ]  # fmt: skip
        listed = [
            {"bunker_id": f"bnk_{n}", "image_ref": "python-3.12", "lifecycle": lifecycle, "status": status, "cpu": n}
            for n, (lifecycle, status) in enumerate(states)
        ]
        scaigrid.on("GET", f"{BUNKER}/bunkers", Told(200, {"data": listed, "has_more": False, "next_cursor": None}))
        assert ada.get(f"{API}/scaibunker/bunkers").json() == {"data": [listed[0], listed[1], listed[3]]}

    @pytest.mark.parametrize(
        "body",
        [
            {"data": [{"slug": "openai/gpt-4o"}]},
            {"status": "ok", "data": [{"slug": "openai/gpt-4o", "id": "model_1"}]},
            {"object": "list", "data": [{"id": "openai/gpt-4o", "object": "model", "owned_by": "openai"}]},
            {"data": {"items": [{"slug": "openai/gpt-4o"}]}},
            {"data": {"items": [{"slug": "openai/gpt-4o"}], "total": 1, "page": 1, "per_page": 20}},
            [{"slug": "openai/gpt-4o"}],
        ],
        ids=["native", "enveloped", "openai", "items", "numbered", "bare"],
    )
    def test_models_have_one_shape_whatever_envelope_they_came_in(
        self, ada: Caller, scaigrid: Service, body: Any
    ) -> None:
        scaigrid.on("GET", "/v1/models", Told(200, body))
        model = {"slug": "openai/gpt-4o", "display_name": "openai/gpt-4o", "modality": None, "context_window": None}
        assert ada.get(f"{API}/scaigrid/models").json() == {"data": [model]}

    def test_a_models_own_fields_are_kept(self, ada: Caller, scaigrid: Service) -> None:
        one = {"slug": "a/b", "display_name": "B", "modality": "chat", "context_window": 8, "max_output_tokens": 4}
        other = {"slug": "a/c", "display_name": "C", "modality": "embedding", "context_window": 8}
        scaigrid.on(
            "GET", "/v1/models", Told(200, {"data": [{**one, "price": 1}, other, {"display_name": "nameless"}]})
        )
        assert ada.get(f"{API}/scaigrid/models").json() == {"data": [one, other]}


class TestPages:
    @pytest.mark.parametrize("lookup", LOOKUPS)
    def test_cursors_are_followed_to_the_end(self, ada: Caller, scaigrid: Service, lookup: str) -> None:
        road, upstream, _, _ = LOOKUPS[lookup]
        item = {"id": "x", "slug": "x", "status": "ready"}
        pages = [
            Told(200, {"data": [item], "has_more": True, "next_cursor": "c2"}),
            Told(200, {"data": {"items": [item], "next_cursor": "c3"}}),
            Told(200, {"data": [], "has_more": True, "next_cursor": "c4"}),  # nothing on it is for us; there is more
            Told(200, {"data": [item], "has_more": False, "next_cursor": "c5"}),
        ]
        scaigrid.on("GET", upstream, *pages)
        assert len(ada.get(road).json()["data"]) == 3
        assert [call.query for call in scaigrid.calls("GET", upstream)] == [
            "limit=100", "limit=100&cursor=c2", "limit=100&cursor=c3", "limit=100&cursor=c4",
        ]  # fmt: skip

    def test_numbered_pages_are_followed_to_the_end(self, ada: Caller, scaigrid: Service) -> None:
        def page(asked: Asked) -> Told:
            number = int(asked.query.rpartition("page=")[2]) if "page=" in asked.query else 1
            items = [{"slug": f"m/{number}"}]
            return Told(200, {"data": {"items": items, "page": number, "per_page": 1, "total": 3}})

        scaigrid.on("GET", "/v1/models", page)
        assert [one["slug"] for one in ada.get(f"{API}/scaigrid/models").json()["data"]] == ["m/1", "m/2", "m/3"]

    def test_a_list_that_goes_round_in_circles_is_a_failure(self, ada: Caller, scaigrid: Service) -> None:
        scaigrid.on("GET", "/v1/models", Told(200, {"data": [{"slug": "a"}], "next_cursor": "again"}))
        refused = ada.get(f"{API}/scaigrid/models")
        assert (refused.status_code, refused.json()["detail"]["error"]) == (502, "scaigrid_api")
        assert len(scaigrid.asked) == 2

    def test_a_list_without_an_end_is_a_failure(self, ada: Caller, scaigrid: Service) -> None:
        def page(asked: Asked) -> Told:
            return Told(200, {"data": [{"slug": "a"}], "next_cursor": f"c{len(scaigrid.asked)}"})

        scaigrid.on("GET", "/v1/models", page)
        assert ada.get(f"{API}/scaigrid/models").json()["detail"]["error"] == "scaigrid_api"
        assert len(scaigrid.asked) == MAX_PAGES


class TestCredentials:
    def bearer(self, scaigrid: Service) -> str:
        return scaigrid.asked[-1].headers["Authorization"]

    @pytest.mark.parametrize("lookup", LOOKUPS)
    @pytest.mark.parametrize(
        ("mode", "key", "fallback", "used"),
        [
            ("", KEY, "sgk_development", "jwt"),
            ("user_jwt", KEY, "sgk_development", "jwt"),
            ("api_key", KEY, "sgk_development", KEY),
            ("api_key", "", "sgk_development", "sgk_development"),
        ],
    )
    def test_the_order_is_that_of_deploys(
        self, tara: Caller, scaigrid: Service, settings: Any, lookup: str, mode: str, key: str, fallback: str, used: str
    ) -> None:
        settings.DEPLOY_AUTH, settings.SCAIGRID_API_KEY = mode, fallback
        if key:
            assert tara.post(CREDENTIALS, {"api_key": key}).status_code == 204
        asked_for(scaigrid, {"id": "x", "slug": "x", "status": "ready"})
        assert tara.get(LOOKUPS[lookup][0]).status_code == 200
        assert self.bearer(scaigrid) == f"Bearer {tara.token if used == 'jwt' else used}"

    @pytest.mark.parametrize("lookup", LOOKUPS)
    def test_without_any_the_way_to_one_is_told(
        self, ada: Caller, scaigrid: Service, settings: Any, lookup: str
    ) -> None:
        settings.DEPLOY_AUTH = "api_key"
        refused = ada.get(LOOKUPS[lookup][0])
        assert refused.status_code == 412
        detail = refused.json()["detail"]
        assert (detail["error"], detail["message"]) == (
            "missing_credentials", "no ScaiGrid credentials for tenant 'tnt_demo'",
        )  # fmt: skip
        assert "POST /v1/tenants/me/scaigrid_credentials" in detail["fix"]
        assert not scaigrid.asked

    def test_a_tenants_own_address_is_where_its_lookups_go(
        self, tara: Caller, scaigrid: Service, settings: Any
    ) -> None:
        tara.post(CREDENTIALS, {"api_key": KEY, "base_url": scaigrid.url})
        settings.SCAIGRID_BASE_URL = "http://127.0.0.1:9"
        asked_for(scaigrid, {"id": "x", "slug": "x", "status": "ready"})
        assert [tara.get(road).status_code for road, *_ in LOOKUPS.values()] == [200, 200, 200, 200]

    def test_services_may_have_addresses_of_their_own(self, ada: Caller, scaigrid: Service, settings: Any) -> None:
        settings.SCAIQUEUE_BASE_URL = f"{scaigrid.url}/queues"
        settings.SCAIBUNKER_BASE_URL = f"{scaigrid.url}/bunkers"
        scaigrid.on("GET", "/queues/scopes", Told(200, {"data": []}))
        scaigrid.on("GET", "/bunkers/bunkers", Told(200, {"data": []}))
        assert ada.get(f"{API}/scaiqueue/scopes").status_code == 200
        assert ada.get(f"{API}/scaibunker/bunkers").status_code == 200


class TestFailures:
    @pytest.mark.parametrize("lookup", LOOKUPS)
    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refusal_names_the_permission(self, ada: Caller, scaigrid: Service, lookup: str, status: int) -> None:
        road, upstream, service, permission = LOOKUPS[lookup]
        scaigrid.on("GET", upstream, Told(status, {"error": {"code": "permission_denied", "message": "need more"}}))
        refused = ada.get(road)
        assert (refused.status_code, refused.json()["detail"]) == (502, {
            "error": f"{service}_auth", "message": "permission_denied: need more", "status": status,
            "code": "permission_denied", "fix": f"Caller needs the `{permission}` permission on this tenant.",
        })  # fmt: skip

    @pytest.mark.parametrize("lookup", LOOKUPS)
    @pytest.mark.parametrize(("status", "code"), [(400, "BAD"), (404, "NOT_FOUND"), (409, "SLUG"), (500, None)])
    def test_any_other_answer_is_told_with_its_status_and_code(
        self, ada: Caller, scaigrid: Service, lookup: str, status: int, code: str | None
    ) -> None:
        road, upstream, service, _ = LOOKUPS[lookup]
        scaigrid.on("GET", upstream, Told(status, {"status": "error", "error": {"code": code, "message": "no"}}))
        refused = ada.get(road)
        assert (refused.status_code, refused.json()["detail"]) == (502, {
            "error": f"{service}_api", "message": "no", "status": status, "code": code,
        })  # fmt: skip

    @pytest.mark.parametrize("lookup", LOOKUPS)
    @pytest.mark.parametrize("body", [b"<html>", {"data": "text"}, {"data": {}}, {"data": ["text"]}, None, 7])
    def test_an_answer_of_another_shape_is_no_answer(
        self, ada: Caller, scaigrid: Service, lookup: str, body: Any
    ) -> None:
        road, upstream, service, _ = LOOKUPS[lookup]
        scaigrid.on("GET", upstream, Told(200, body))
        refused = ada.get(road)
        detail = refused.json()["detail"]
        assert (refused.status_code, detail["error"]) == (502, f"{service}_api")
        assert (detail["status"], detail["code"]) == (None, None)

    @pytest.mark.parametrize("lookup", LOOKUPS)
    def test_a_service_that_cannot_be_reached_has_neither_status_nor_code(
        self, ada: Caller, settings: Any, lookup: str
    ) -> None:
        settings.SCAIGRID_BASE_URL = "http://127.0.0.1:9"
        refused = ada.get(LOOKUPS[lookup][0])
        assert refused.status_code == 502
        detail = refused.json()["detail"]
        assert (detail["error"], detail["status"], detail["code"]) == (f"{LOOKUPS[lookup][2]}_api", None, None)
        assert "127.0.0.1" not in detail["message"]

    @pytest.mark.parametrize("lookup", LOOKUPS)
    def test_a_limited_rate_is_passed_on_unchanged(self, ada: Caller, scaigrid: Service, lookup: str) -> None:
        road, upstream, _, _ = LOOKUPS[lookup]
        body = b'{"status": "error",  "error": {"code": "RATE_LIMITED", "retry_after": 7}}'
        headers = {
            "Retry-After": "7", "X-Scaigrid-Ratelimit-Limit": "60", "X-Scaigrid-Ratelimit-Remaining": "0",
            "X-Scaigrid-Ratelimit-Reset": "1790000000", "X-Internal-Node": "grid-7",
        }  # fmt: skip
        for sent in (headers, {name.lower(): value for name, value in headers.items()}):
            scaigrid.on("GET", upstream, Told(429, body, {"content-type": "application/json", **sent}))
            told = ada.get(road)
            assert (told.status_code, told.content) == (429, body)
            assert told["Content-Type"] == "application/json"
            assert {name: told.headers.get(name) for name in headers} == {**headers, "X-Internal-Node": None}

    def test_no_token_gets_into_a_failure(self, ada: Caller, scaigrid: Service) -> None:
        for lookup, (road, upstream, _, _) in LOOKUPS.items():
            scaigrid.on("GET", upstream, Told(403, {"error": {"code": "no", "message": "denied"}}))
            assert str(ada.token) not in ada.get(road).content.decode(), lookup


@pytest.mark.parametrize("scope_id", ["..", ".", "%2e%2e", "..%2f..", "%252e%252e", "a%2fb", "a%00b", "...", "x" * 129])
def test_an_id_never_leads_out_of_its_path(ada: Caller, scaigrid: Service, scope_id: str) -> None:
    answer = ada.get(f"{API}/scaiqueue/scopes/{scope_id}/queues")
    assert answer.status_code == 404
    assert not scaigrid.asked


class TestSharing:
    ROAD = f"{API}/scaigrid/models"

    @pytest.fixture
    def grid(self, scaigrid: Service) -> Service:
        return scaigrid.on("GET", "/v1/models", Told(200, {"data": [{"slug": "a/b"}]}))

    def test_the_list_is_read_once_in_a_while(self, ada: Caller, grid: Service) -> None:
        first, second = ada.get(self.ROAD), ada.get(self.ROAD)
        assert first.json() == second.json()
        assert first["ETag"] == second["ETag"]
        assert first["Cache-Control"] == "private, max-age=30"
        assert "Authorization" in first["Vary"]
        assert len(grid.asked) == 1

    def test_who_has_the_list_is_not_given_it_again(self, ada: Caller, grid: Service) -> None:
        etag = ada.get(self.ROAD)["ETag"]
        for tag in (etag, f'W/{etag}, "other"', "*"):
            same = ada.get(self.ROAD, headers={"If-None-Match": tag})
            assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
        assert ada.get(self.ROAD, headers={"If-None-Match": '"other"'}).status_code == 200

    def test_another_list_has_another_tag(self, ada: Caller, grid: Service) -> None:
        before = ada.get(self.ROAD)["ETag"]
        cache.clear()
        grid.on("GET", "/v1/models", Told(200, {"data": [{"slug": "a/c"}]}))
        changed = ada.get(self.ROAD, headers={"If-None-Match": before})
        assert (changed.status_code, changed.json()["data"][0]["slug"]) == (200, "a/c")

    def test_colleagues_share_it_when_the_tenants_key_is_used(
        self, tara: Caller, vera: Caller, grid: Service, settings: Any
    ) -> None:
        settings.DEPLOY_AUTH = "api_key"
        tara.post(CREDENTIALS, {"api_key": KEY})
        assert tara.get(self.ROAD).json() == vera.get(self.ROAD).json()
        assert len(grid.asked) == 1

    def test_people_with_tokens_of_their_own_do_not(self, ada: Caller, vera: Caller, grid: Service) -> None:
        ada.get(self.ROAD)
        vera.get(self.ROAD)
        assert [asked.headers["Authorization"] for asked in grid.asked] == [
            f"Bearer {ada.token}", f"Bearer {vera.token}",
        ]  # fmt: skip

    def test_tenants_never_do_whatever_key_they_have(
        self, sign_in: SignIn, ada: Caller, olaf: Caller, grid: Service, settings: Any
    ) -> None:
        settings.DEPLOY_AUTH, settings.SCAIGRID_API_KEY = "api_key", "sgk_the_same_for_both"
        ada.get(self.ROAD)
        olaf.get(self.ROAD)
        assert len(grid.asked) == 2

    def test_a_failure_is_not_kept(self, ada: Caller, scaigrid: Service) -> None:
        scaigrid.on("GET", "/v1/models", Told(500, {}), Told(200, {"data": [{"slug": "a/b"}]}))
        assert ada.get(self.ROAD).status_code == 502
        assert ada.get(self.ROAD).status_code == 200

    def test_what_is_kept_tells_nobody_whose_it_is(self, ada: Caller, grid: Service) -> None:
        ada.get(self.ROAD)
        kept = json.dumps(cached())
        assert "models:" in kept
        assert str(ada.token) not in kept
        assert "tnt_demo" not in kept

    def test_a_cache_that_is_down_only_makes_it_slower(self, ada: Caller, grid: Service, settings: Any) -> None:
        redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}
        settings.CACHES = {"default": redis}
        assert [ada.get(self.ROAD).status_code for _ in range(2)] == [200, 200]
        assert len(grid.asked) == 2
