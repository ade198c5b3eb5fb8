from __future__ import annotations

from typing import Any

import pytest

from tenants.models import Secret
from tests.conftest import Caller

ROAD = "/api/v1/tenants/me/scaigrid_credentials"
KEY = "sgk_0123456789abcdef"
UNSET = {"configured": False, "base_url": None, "masked_key": None}


def test_a_key_is_set_masked_and_deleted(tara: Caller, ada: Caller, settings: Any) -> None:
    assert ada.get(ROAD).json() == UNSET
    assert tara.post(ROAD, {"api_key": KEY}).status_code == 204
    told = ada.get(ROAD).json()
    assert told == {"configured": True, "base_url": settings.SCAIGRID_BASE_URL, "masked_key": "sgk_...cdef"}
    assert tara.delete(ROAD).status_code == 204
    assert ada.get(ROAD).json() == UNSET


def test_a_key_is_never_in_the_database_in_clear(tara: Caller) -> None:
    tara.post(ROAD, {"api_key": KEY})
    (row,) = Secret.objects.values()
    assert KEY not in str(row)
    assert row["path"] == "tenants/tnt_demo/scaigrid_api_key"


def test_a_sealed_key_does_not_open_in_another_tenants_place(tara: Caller, olaf: Caller) -> None:
    tara.post(ROAD, {"api_key": KEY})
    Secret.objects.update(path="tenants/tnt_other/scaigrid_api_key")
    answer = olaf.get(ROAD)
    assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "vault")
    assert KEY not in answer.content.decode()


def test_a_key_sealed_under_an_unknown_key_is_not_opened(tara: Caller, settings: Any) -> None:
    tara.post(ROAD, {"api_key": KEY})
    settings.ENCRYPTION_KEYS = [b"n" * 32]
    assert tara.get(ROAD).status_code == 503
    settings.ENCRYPTION_KEYS = [b"n" * 32, b"k" * 32]
    assert tara.get(ROAD).json()["configured"] is True


def test_only_an_admin_changes_the_key(ada: Caller) -> None:
    for answer in (ada.post(ROAD, {"api_key": KEY}), ada.delete(ROAD)):
        assert answer.status_code == 403
        assert "tenant_admin" in answer.json()["detail"]
    assert not Secret.objects.exists()


def test_one_tenants_key_is_not_anothers(tara: Caller, olaf: Caller) -> None:
    tara.post(ROAD, {"api_key": KEY})
    assert olaf.get(ROAD).json() == UNSET


@pytest.mark.parametrize(
    "api_key", ["", "abc", "sk_0123456789", "sgk_short", "sgk_with space", 7, None, "sgk_nöt-ascii"]
)
def test_what_is_no_scaigrid_key_is_refused(tara: Caller, api_key: Any) -> None:
    answer = tara.post(ROAD, {"api_key": api_key})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "api_key"]


@pytest.mark.parametrize(
    "base_url",
    [
        "http://grid.example", "https://evil.example", "https://grid.example@evil.example", "https://grid.example.evil",
        "ftp://grid.example", "https://grid.example/?x=1", "https://", "grid.example", "http://169.254.169.254",
        "https://grid.example:bad", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_a_base_url_that_tokens_must_not_go_to_is_refused(tara: Caller, settings: Any, base_url: str) -> None:
    settings.SCAIGRID_ALLOWED_HOSTS = ["grid.example"]
    answer = tara.post(ROAD, {"api_key": KEY, "base_url": base_url})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "base_url"]
    assert not Secret.objects.exists()


def test_a_base_url_on_the_list_is_kept_and_one_left_out_is_forgotten(tara: Caller, settings: Any) -> None:
    settings.SCAIGRID_ALLOWED_HOSTS = ["grid.example"]
    tara.post(ROAD, {"api_key": KEY, "base_url": "https://grid.example/eu/"})
    assert tara.get(ROAD).json()["base_url"] == "https://grid.example/eu"
    tara.post(ROAD, {"api_key": KEY})
    assert tara.get(ROAD).json()["base_url"] == settings.SCAIGRID_BASE_URL


def test_a_tenant_whose_id_has_no_place_in_the_vault_is_told_so(sign_in: Any) -> None:
    admin = sign_in("usr_x", tenant="Tenant.Upper", admin_role="tenant_admin")
    answer = admin.post(ROAD, {"api_key": KEY})
    assert (answer.status_code, answer.json()["detail"]["error"]) == (422, "bad_secret_path")
