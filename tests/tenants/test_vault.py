"""Where secrets are kept: our own encrypted rows, or ScaiVault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core.management import CommandError, call_command

from scaiflow.kit import crypto
from scaiflow.kit.models import AuditEntry
from tenants.models import Secret
from tenants.operations.vault import read_secret, unknown_key_ids, write_secret
from tests.conftest import Caller
from tests.loopback import Asked, Service, Told, serving
from tests.scaikey import ScaiKey

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
ROAD = "/api/v1/tenants/me/scaigrid_credentials"
KEY = "sgk_0123456789abcdef"
OTHER_KEY = "sgk_fedcba9876543210"
OLD, NEW = b"k" * 32, b"n" * 32


class TestRotation:
    def test_every_secret_is_sealed_anew_and_the_old_key_can_go(self, settings: Any) -> None:
        write_secret(path="tenants/a/x", value="one")
        write_secret(path="tenants/b/x", value="two")
        settings.ENCRYPTION_KEYS = [NEW, OLD]
        write_secret(path="tenants/c/x", value="three")
        said = StringIO()
        call_command("rotate_keys", stdout=said)
        assert said.getvalue() == "2 secrets were encrypted anew\n"
        told = AuditEntry.objects.filter(action="secrets.rotated").values_list("tenant_id", "object_id", "changes")
        ids = {"key_id": [crypto.key_id(OLD), crypto.key_id(NEW)]}
        assert set(map(str, told)) == {str((t, f"tenants/{t}/x", ids)) for t in "ab"}
        settings.ENCRYPTION_KEYS = [NEW]
        assert [read_secret(path=f"tenants/{t}/x") for t in "abc"] == ["one", "two", "three"]
        assert unknown_key_ids() == []

    def test_a_secret_that_cannot_be_opened_ends_it_and_stays(self, settings: Any) -> None:
        write_secret(path="tenants/a/x", value="one")
        before = list(Secret.objects.values())
        settings.ENCRYPTION_KEYS = [NEW]
        with pytest.raises(CommandError, match="cannot be opened"):
            call_command("rotate_keys")
        assert list(Secret.objects.values()) == before
        assert unknown_key_ids() == [crypto.key_id(OLD)]


STARTS = {
    "asgi": ("-c", "import scaiflow.asgi; print('up')"),
    "wsgi": ("-c", "import scaiflow.wsgi; print('up')"),
    "worker": ("-m", "celery", "-A", "scaiflow.celery", "-b", "memory://", "worker", "--pool", "solo"),
    "beat": ("-m", "celery", "-A", "scaiflow.celery", "-b", "memory://", "beat"),
}
OTHER = "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="


class Installation:
    """With one secret in its database, or none yet."""

    def __init__(self, folder: Path) -> None:
        self.env = {
            "PATH": os.environ["PATH"], "SCAIFLOW_ENV_FILE": "/dev/null", "SCAIFLOW_SECRET_KEY": "x" * 50,
            "SCAIFLOW_DB_URL": f"sqlite:///{folder}/db.sqlite3", "SCAIFLOW_STORAGE_URL": f"file://{folder}/objects",
            "SCAIFLOW_ENCRYPTION_KEYS": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        }  # fmt: skip

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.env | more, capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip

    def seal(self) -> None:
        words = "from tenants.operations.vault import write_secret; write_secret(path='a/b', value='c')"
        assert self.run("manage.py", "migrate", "--noinput").returncode == 0
        assert self.run("manage.py", "shell", "-c", words).returncode == 0


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = Installation(tmp_path_factory.mktemp("sealed"))
    assert installation.run(*STARTS["asgi"]).stdout == "up\n"  # before there is a schema
    installation.seal()
    return installation


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS)
def test_the_start_is_refused_when_a_stored_secret_needs_a_key_that_is_not_there(
    sealed: Installation, start: str
) -> None:
    refused = sealed.run(*STARTS[start], SCAIFLOW_ENCRYPTION_KEYS=OTHER)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("SCAIFLOW_ENCRYPTION_KEYS: lacks key ")


@pytest.mark.slow
@pytest.mark.parametrize("start", ["asgi", "wsgi"])
def test_with_the_key_it_starts(sealed: Installation, start: str) -> None:
    assert sealed.run(*STARTS[start]).stdout == "up\n"


class Vault(Service):
    """ScaiVault on loopback: keeps what it is given, and lets in who shows the newest token."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Any] = {}
        self.good_token = ""
        self.failing = ""  # the last part of a path that can be read and not written

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        if asked.headers.get("Authorization") != f"Bearer {self.good_token}":
            return self.no(401, "unauthorized")
        path = asked.path.removeprefix("/v1/secrets/")
        if self.failing and asked.method != "GET" and path.endswith(self.failing):
            return self.no(500, "internal")
        if asked.method == "PUT":
            self.kept[path] = asked.json
            return Told(200, {"path": path, "version": 1})
        if path not in self.kept:
            return self.no(404, "secret_not_found")
        if asked.method == "DELETE":
            del self.kept[path]
            return Told(204)
        return Told(200, {"path": path, "version": 1, **self.kept[path]})

    def no(self, status: int, code: str) -> Told:
        return Told(status, {"error": {"code": code, "message": "inner words", "details": {}, "request_id": "r"}})


class TestScaiVault:
    @pytest.fixture
    def vault(self, scaikey: ScaiKey, settings: Any) -> Iterator[Vault]:
        with serving(Vault()) as running:
            settings.SCAIVAULT_BASE_URL = running.url
            self.give_token(scaikey, running, "svc-1")
            yield running

    def give_token(self, scaikey: ScaiKey, vault: Vault, token: str) -> None:
        vault.good_token = token
        scaikey.on("POST", "/token", Told(200, {"access_token": token, "expires_in": 600}))

    def test_a_key_goes_there_and_comes_back_and_nothing_stays_here(self, tara: Caller, vault: Vault) -> None:
        assert tara.get(ROAD).json()["configured"] is False
        assert tara.post(ROAD, {"api_key": KEY}).status_code == 204
        assert vault.kept == {"tenants/tnt_demo/scaigrid_api_key": {"data": {"value": KEY}, "secret_type": "api_key"}}
        assert tara.get(ROAD).json()["masked_key"] == "sgk_...cdef"
        assert not Secret.objects.exists()
        assert tara.delete(ROAD).status_code == 204
        assert vault.kept == {}

    @pytest.mark.parametrize("fails", ["scaigrid_api_key", "scaigrid_base_url"])
    @pytest.mark.parametrize("move", [("https://old.example", None), (None, "https://new.example")])
    def test_a_vault_that_fails_half_way_leaves_no_key_beside_another_address(
        self, tara: Caller, vault: Vault, settings: Any, fails: str, move: tuple[str | None, str | None]
    ) -> None:
        """Else the next call shows the key to whom it was never meant for."""
        settings.SCAIGRID_ALLOWED_HOSTS = {"old.example", "new.example"}
        old, new = move
        tara.post(ROAD, {"api_key": KEY, "base_url": old})
        vault.failing = fails
        assert tara.post(ROAD, {"api_key": OTHER_KEY, "base_url": new}).status_code == 503
        kept = {path.rpartition("/")[2]: secret["data"]["value"] for path, secret in vault.kept.items()}
        told = kept.get("scaigrid_api_key"), kept.get("scaigrid_base_url")
        assert told in {(None, old), (None, new), (KEY, old), (OTHER_KEY, new)}
        vault.failing = ""
        assert tara.post(ROAD, {"api_key": OTHER_KEY, "base_url": new}).status_code == 204
        assert tara.get(ROAD).json()["masked_key"] == f"{OTHER_KEY[:4]}...{OTHER_KEY[-4:]}"

    def test_nothing_changes_there_that_cannot_be_written_down_here(
        self, tara: Caller, vault: Vault, break_the_log: Callable[[], None]
    ) -> None:
        tara.post(ROAD, {"api_key": KEY})
        before = dict(vault.kept)
        break_the_log()
        assert tara.post(ROAD, {"api_key": OTHER_KEY}).status_code == 503
        assert tara.delete(ROAD).status_code == 503
        assert vault.kept == before

    def test_our_token_asks_for_what_it_needs_and_is_kept(self, tara: Caller, vault: Vault, scaikey: ScaiKey) -> None:
        before = len(scaikey.calls("POST", "/token"))
        self.give_token(scaikey, vault, "svc-2")  # the kept one is refused: one fresh one is fetched
        for _ in range(3):
            assert tara.get(ROAD).status_code == 200
        (asked,) = scaikey.calls("POST", "/token")[before:][-1:]
        assert len(scaikey.calls("POST", "/token")) - before <= 2
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        assert form == {"grant_type": "client_credentials", "scope": "secrets:read secrets:write secrets:delete"}

    @pytest.mark.parametrize("told", [Told(500, {}), Told(403, {"error": {"code": "forbidden", "message": "inner words"}}),
        Told(200, {"path": "x"}), Told(200, b"<html>"), Told(404, b"nothing here"), Told(429, {})])  # fmt: skip
    def test_a_vault_that_fails_is_unavailable_and_keeps_its_words(
        self, tara: Caller, scaikey: ScaiKey, settings: Any, told: Told
    ) -> None:
        scaikey.on("POST", "/token", Told(200, {"access_token": "svc", "expires_in": 600}))
        with serving(Service()) as broken:
            settings.SCAIVAULT_BASE_URL = broken.url
            broken.on("GET", "/v1/secrets/tenants/tnt_demo/scaigrid_api_key", told)
            answer = tara.get(ROAD)
        assert (answer.status_code, answer.json()["detail"]["component"]) == (503, "vault")
        assert "inner words" not in json.dumps(answer.json())

    def test_a_tenant_without_a_place_there_is_told_so_before_any_call(self, sign_in: Any, vault: Vault) -> None:
        admin = sign_in("usr_x", tenant="Tenant.Upper", admin_role="tenant_admin")
        assert admin.post(ROAD, {"api_key": KEY}).status_code == 422
        assert vault.asked == []
