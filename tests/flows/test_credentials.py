"""Which credential a deploy shows at ScaiGrid, and where."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Caller
from tests.flows.deploying import CORES, deploy, make
from tests.loopback import Service

pytestmark = pytest.mark.django_db(transaction=True)
ROAD = "/api/v1/tenants/me/scaigrid_credentials"
JWT, TENANTS, OURS = "the caller's", "sgk_of_the_tenant", "sgk_of_the_installation"


def used(grid: Service) -> str:
    return grid.calls("POST", CORES)[-1].headers["Authorization"]


def test_without_any_the_answer_tells_how_to_get_one(ada: Caller, grid: Service, settings: Any) -> None:
    settings.DEPLOY_AUTH = "api_key"
    answer = deploy(ada, make(ada))
    assert answer.status_code == 412
    assert answer.json()["detail"] == {
        "error": "missing_scaigrid_credentials",
        "message": "no ScaiGrid credentials for tenant 'tnt_demo'",
        "fix": "Sign in with ScaiKey, or set this tenant's API key via POST /v1/tenants/me/scaigrid_credentials.",
    }
    assert grid.road() == []


def test_the_tenants_key_comes_before_ours(ada: Caller, tara: Caller, grid: Service, settings: Any) -> None:
    settings.DEPLOY_AUTH, settings.SCAIGRID_API_KEY = "api_key", "sgk_of_the_installation"
    deploy(ada, make(ada))
    assert used(grid) == "Bearer sgk_of_the_installation"
    assert tara.post(ROAD, {"api_key": "sgk_of_the_tenant"}).status_code == 204
    deploy(ada, make(ada, name="Other"))
    assert used(grid) == "Bearer sgk_of_the_tenant"


def test_the_tenants_base_url_holds_for_the_callers_token_too(
    ada: Caller, tara: Caller, grid: Service, settings: Any
) -> None:
    settings.SCAIGRID_BASE_URL = "http://127.0.0.1:9"
    body = {"api_key": "sgk_of_the_tenant", "base_url": grid.url}
    assert tara.post(ROAD, body).status_code == 204
    assert deploy(ada, make(ada)).status_code == 200
    assert used(grid) == f"Bearer {ada.token}"


# SCAIFLOW_DEPLOY_AUTH, whether the caller has a token to forward, the tenant a key, we one; and which of them is used.
ORDER = [
    ("", True, True, True, JWT),
    ("", False, True, True, TENANTS),
    ("", False, False, True, OURS),
    ("", False, False, False, None),
    ("", True, False, False, JWT),
    ("user_jwt", True, True, True, JWT),
    ("user_jwt", False, True, True, OURS),
    ("user_jwt", False, True, False, None),
    ("api_key", True, True, True, TENANTS),
    ("api_key", True, False, True, OURS),
    ("api_key", True, True, False, TENANTS),
    ("api_key", True, False, False, None),
]


@pytest.mark.parametrize(("mode", "has_token", "tenant_has", "we_have", "wanted"), ORDER)
def test_the_first_that_there_is_in_the_documented_order_is_used(
    ada: Caller, tara: Caller, grid: Service, settings: Any,
    mode: str, has_token: bool, tenant_has: bool, we_have: bool, wanted: str | None,
) -> None:  # fmt: skip
    caller = ada
    if not has_token:  # the developer of SCAIFLOW_AUTH_DISABLED is somebody without a token
        settings.AUTH_DISABLED, caller = True, Caller()
        tara = caller
    settings.DEPLOY_AUTH, settings.SCAIGRID_API_KEY = mode, OURS if we_have else ""
    if tenant_has:
        assert tara.post(ROAD, {"api_key": TENANTS}).status_code == 204
    answer = deploy(caller, make(caller))
    if wanted is None:
        assert (answer.status_code, answer.json()["detail"]["error"]) == (412, "missing_scaigrid_credentials")
        assert grid.asked == []
    else:
        assert used(grid) == f"Bearer {ada.token if wanted == JWT else wanted}"


def test_a_base_url_that_was_taken_off_the_list_gets_nobodys_token(
    ada: Caller, tara: Caller, grid: Service, settings: Any
) -> None:
    settings.SCAIGRID_BASE_URL = "http://127.0.0.1:9"
    assert tara.post(ROAD, {"api_key": TENANTS, "base_url": grid.url}).status_code == 204
    settings.SCAIGRID_ALLOWED_HOSTS = ["grid.example"]
    assert deploy(ada, make(ada)).json()["detail"]["error"] == "missing_scaigrid_credentials"
    assert grid.asked == []
