"""Canaries: every secret there is gets a value that is found again anywhere, every road is driven, also into the ditch, and
then the log, the answers and the database's own bytes are searched for them."""

from __future__ import annotations

import base64
import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse

from flows.models import Deployment, FlowACL, Job
from scaiflow.kit import logs
from tenants.models import User
from tests.conftest import Caller, SignIn
from tests.console.test_signin import Browser
from tests.drawings import greeting
from tests.loopback import Asked, Service, Told, serving
from tests.scaikey import ScaiKey
from tests.test_permissions import NEW, TABLE
from tests.webhooks.test_scaikey import ROAD as HOOK
from tests.webhooks.test_scaikey import signed

pytestmark = pytest.mark.django_db(transaction=True)
CORES = "/v1/modules/scaicore/cores"
KEY = "/api/v1/tenants/me/scaigrid_credentials"
SEAL = b"canary-key-that-seals-everything"
CANARIES = {
    "client secret": "canary-client-secret-5f1e",
    "webhook secret": "canary-webhook-secret-77aa",
    "API token": "canary-api-token-31c0",
    "metrics token": "canary-metrics-token-9d42",
    "installation's key": "sgk_canary_of_the_installation",
    "tenant's key": "sgk_canary_of_the_tenant",
    "encryption key": SEAL.decode(),
    "encryption key as it is configured": base64.urlsafe_b64encode(SEAL).decode(),
    "encryption key in hex": SEAL.hex(),
    "code": "canary-code-0b6f",
    "code verifier": "canary-code-verifier-e2e2",
    "refresh token": "canary-refresh-token-c4c4",
    "browser's access token": "canary-browser-access-token-ab12",
    "service token": "canary-service-token-88e1",
}


class Ears:
    """Everything that is logged while they listen: as it is written, and as the code said it, before the last net."""

    def __init__(self) -> None:
        self.written, self.said = io.StringIO(), io.StringIO()
        self.handlers = [logging.StreamHandler(self.written), logging.StreamHandler(self.said)]
        self.handlers[0].setFormatter(logs.formatter("json"))
        self.handlers[1].setFormatter(logging.Formatter("%(name)s %(message)s"))

    def __enter__(self) -> Ears:
        for handler in self.handlers:
            logging.getLogger().addHandler(handler)
        return self

    def __exit__(self, *_: Any) -> None:
        for handler in self.handlers:
            logging.getLogger().removeHandler(handler)


@pytest.fixture
def told(monkeypatch: Any) -> list[tuple[str, bytes]]:
    """Every answer that is given, whoever asks."""
    answers: list[tuple[str, bytes]] = []
    real = Caller.generic

    def generic(self: Caller, method: str, path: str, *args: Any, **options: Any) -> Any:
        answer = real(self, method, path, *args, **options)
        answers.append((f"{method} {path} {answer.status_code}", body_and_headers(answer)))
        return answer

    monkeypatch.setattr(Caller, "generic", generic)
    return answers


def body_and_headers(answer: HttpResponse) -> bytes:
    return answer.content + str(dict(answer.headers)).encode()


@pytest.fixture
def canaries(scaikey: ScaiKey, settings: Any) -> dict[str, str]:
    settings.SCAIKEY_CLIENT_SECRET = CANARIES["client secret"]
    settings.SCAIKEY_WEBHOOK_SECRETS = [CANARIES["webhook secret"]]
    settings.API_TOKEN = CANARIES["API token"]
    settings.METRICS_TOKEN = CANARIES["metrics token"]
    settings.SCAIGRID_API_KEY = CANARIES["installation's key"]
    settings.ENCRYPTION_KEYS = [SEAL]
    return dict(CANARIES)


@pytest.fixture
def scaigrid(scaigrid: Service) -> Service:
    """One that repeats what it is sent, in each of its failures in turn."""

    def echo(status: int) -> Callable[[Asked], Told]:
        return lambda asked: Told(status, {"error": {"code": "no", "message": f"{asked.headers}"}})

    made = Told(201, {"data": {"id": "core_1"}})
    scaigrid.on("POST", CORES, made, *(echo(status) for status in (400, 401, 403, 429, 500)))
    scaigrid.on("PUT", f"{CORES}/core_1", Told(200, {"data": {"id": "core_1"}}), echo(400), echo(429), echo(500))
    scaigrid.on("POST", f"{CORES}/core_1/publish", *(echo(status) for status in (400, 401, 500)))
    scaigrid.on("POST", f"{CORES}/core_1/invoke", echo(400), echo(500), echo(429))
    return scaigrid


def everything_in_the_database() -> Iterator[tuple[str, bytes]]:
    """Every row of every table as it is read, and the database's files as they lie there."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            yield table, "\n".join(map(str, cursor.fetchall())).encode()
    if connection.vendor == "sqlite":
        name = Path(connection.settings_dict["NAME"])
        for file in name.parent.glob(f"{name.name}*"):
            yield file.name, file.read_bytes()


def drive_the_table(callers: list[Caller], sign_in: SignIn) -> None:
    """Every row of the table of rights, by everybody, bad tokens among them."""
    flow, deleted = (callers[0].post("/api/v1/flows", NEW).json()["id"] for _ in range(2))
    callers[0].delete(f"/api/v1/flows/{deleted}")
    for user in ("usr_new", "usr_old"):
        User.objects.create(id=user, tenant_id="tnt_demo")
    acl = FlowACL.objects.create(flow_id=flow, principal_type="user", principal_id="usr_old", level=1)
    Deployment.objects.create(flow_id=flow, core_id="core_1", flow_version="1.0.0", status="deployed")
    job = Job.objects.create(flow_id=flow, kind="deploy", state="succeeded", result={})
    stage = {"flow": flow, "deleted": deleted, "job": job.id, "acl": acl.id}
    for row in TABLE:
        for caller in callers:
            caller.generic_json(row.method, row.path.format_map(Anything(stage)), row.body or None)
            caller.generic_json(row.method, row.path.format_map(Anything(stage)), {"odd": "shape"})


class Anything(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"{name}_none"


def drive_sign_in(caller: Caller, scaikey: ScaiKey) -> None:
    """Into every ditch: refused (in words that repeat what was sent), failed, out of reach."""

    def repeat(asked: Asked) -> Told:
        return Told(400, {"error": "invalid_grant", "error_description": f"{asked.body!r} {asked.headers}"})

    code = {"code": CANARIES["code"], "code_verifier": CANARIES["code verifier"], "redirect_uri": "http://localhost/cb"}

    def fail(asked: Asked) -> Told:
        return Told(500, {"error": asked.body.decode()})

    for answer in (repeat, fail, Told(200, b"<html>"), Told(429, {})):
        scaikey.on("POST", "/token", answer)
        caller.post("/api/v1/auth/exchange", code)
        caller.post("/api/v1/auth/refresh", {"refresh_token": CANARIES["refresh token"]})
    caller.post("/api/v1/auth/refresh", {"refresh_token": [CANARIES["refresh token"]]})
    caller.post("/api/v1/auth/exchange", {"code": CANARIES["code"] * 500})


def drive_a_browser(scaikey: ScaiKey) -> None:
    User.objects.create(id="usr_web", tenant_id="tnt_demo", admin_role="super_admin", admin_role_source="manual")
    browser = Browser(scaikey)
    browser.tokens |= {"access_token": CANARIES["browser's access token"], "refresh_token": CANARIES["refresh token"]}
    assert browser.come_back(browser.leave(), sub="usr_web", tenant_id="tnt_demo") == "/"
    for page in ("/", "/admin/", "/admin/tenants/user/", "/admin/flows/job/", "/admin/kit/auditentry/"):
        browser.get(page)
    browser.get("/login/callback", {"code": CANARIES["code"], "state": "made-up"})


def drive_hooks(canaries: dict[str, str], bearer: str) -> None:
    caller = Caller()
    about = {"id": "usr_x", "name": "X", "api_key": canaries["tenant's key"], "note": f"Bearer {bearer}"}
    event = {"id": "evt_1", "type": "user.updated", "tenant_id": "tnt_demo", "data": about}
    raw = json.dumps(event).encode()
    for secret in (canaries["webhook secret"], "another"):
        for moment in (None, 7):
            headers = signed(raw, secret=secret, moment=moment)
            caller.generic("POST", HOOK, raw, content_type="application/json", headers=headers)


def drive_deploys(caller: Caller, flow: str) -> None:
    for body in ({}, {"publish_as_model": True}) * 4:
        caller.post(f"/api/v1/flows/{flow}/deploy", body)
    caller.post(f"/api/v1/flows/{flow}/run-tests", {"core_id": "core_1"})
    for token in (CANARIES["API token"], "wrong"):
        for _ in range(3):
            Caller(token).post("/api/v1/dev/deploy", {"content": greeting()})


def drive_keys(caller: Caller, scaikey: ScaiKey, settings: Any) -> None:
    """Our own store, one that cannot be opened, and a vault that repeats what it is given."""
    key = {"api_key": CANARIES["tenant's key"]}
    caller.post(KEY, key)
    caller.get(KEY)
    caller.post(KEY, key | {"base_url": f"https://u:{key['api_key']}@evil.example"})
    caller.post(KEY, {"api_key": CANARIES["tenant's key"] + " with space"})
    scaikey.on("POST", "/token", Told(200, {"access_token": CANARIES["service token"], "expires_in": 600}))
    with serving(Service()) as vault:
        settings.SCAIVAULT_BASE_URL = vault.url
        path = "/v1/secrets/tenants/tnt_demo/scaigrid_api_key"
        for method in ("GET", "PUT", "DELETE"):
            vault.on(method, path, lambda asked: Told(500, {"error": {"message": f"{asked.headers} {asked.body!r}"}}))
        for ask in (lambda: caller.get(KEY), lambda: caller.post(KEY, key), lambda: caller.delete(KEY)):
            ask()
    settings.SCAIVAULT_BASE_URL = ""
    settings.ENCRYPTION_KEYS = []
    assert caller.post(KEY, key).status_code == 500
    settings.ENCRYPTION_KEYS = [b"n" * 32]
    assert caller.get(KEY).status_code == 503
    settings.ENCRYPTION_KEYS = [b"n" * 32, SEAL]
    call_command("rotate_keys", stdout=io.StringIO())
    settings.ENCRYPTION_KEYS = [SEAL, b"n" * 32]


def test_no_secret_is_found_in_a_log_an_answer_or_the_database(
    canaries: dict[str, str], told: list[tuple[str, bytes]], sign_in: SignIn, scaikey: ScaiKey, scaigrid: Service,
    stranger: Caller, settings: Any, transactional_db: None,
) -> None:  # fmt: skip
    ada, tara = sign_in("usr_ada"), sign_in("usr_tara", admin_role="tenant_admin")
    sam = sign_in("usr_sam", tenant="tnt_platform", admin_role="super_admin")
    expired = sign_in("usr_ada", exp=int(time.time()) - 900)
    for number, caller in enumerate((ada, tara, sam, expired)):
        canaries[f"bearer {number}"] = str(caller.token)
        canaries[f"signature of bearer {number}"] = str(caller.token).rpartition(".")[2]
    with Ears() as ears:
        drive_keys(tara, scaikey, settings)
        flow = ada.post(
            "/api/v1/flows", {"name": "Greeting", "content": greeting(tests=[{"name": "t", "input": {}, "expect": {}}])}
        )
        drive_deploys(ada, flow.json()["id"])
        drive_the_table([ada, tara, sam, expired, stranger], sign_in)
        drive_sign_in(stranger, scaikey)
        drive_hooks(canaries, str(ada.token))
        sam.post("/api/v1/admin/sync")
        stranger.get("/metrics", headers={"Authorization": f"Bearer {CANARIES['metrics token']}"})
        drive_a_browser(scaikey)
    with Ears() as net:  # who writes a secret into an address says it themselves: the last net is what keeps it out
        for secret in (str(ada.token), CANARIES["tenant's key"]):
            tara.get(f"/api/v1/flows/{secret}")
            ada.delete(f"/api/v1/admin/users/{secret}/role")
    database = dict(everything_in_the_database())
    searched = {
        "log": ears.written.getvalue().encode(),
        "what the code said": ears.said.getvalue().encode(),
        "log of addresses": net.written.getvalue().encode(),
    }
    answers = {f"{road} ({number})": body for number, (road, body) in enumerate(told)}
    assert found_in({**searched, **database, **answers}, canaries) == set()
    assert {200, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503} <= {int(road.split()[-1]) for road, _ in told}
    assert b"usr_ada" in database["flows_flow"]
    assert searched["log"].count(b'"event": "request"') > 300


def found_in(places: dict[str, bytes], canaries: dict[str, str]) -> set[tuple[str, str]]:
    """Which canary, and where."""
    return {
        (name, place) for name, canary in canaries.items() for place, raw in places.items() if canary.encode() in raw
    }


def test_a_job_that_runs_keeps_its_callers_token_sealed(
    canaries: dict[str, str], sign_in: SignIn, scaigrid: Service, transactional_db: None
) -> None:
    ada, seen = sign_in("usr_ada"), {}

    def look(asked: Asked) -> Told:
        assert asked.headers["Authorization"] == f"Bearer {ada.token}"
        seen.update(everything_in_the_database())
        connection.close()
        return Told(201, {"data": {"id": "core_1"}})

    scaigrid.on("POST", CORES, look)
    flow = ada.post("/api/v1/flows", {"name": "Greeting", "content": greeting()}).json()["id"]
    assert ada.post(f"/api/v1/flows/{flow}/deploy", {}).status_code == 200
    assert b"v1." in seen["flows_job"], "the token is there, sealed"
    assert found_in(seen, {"bearer": str(ada.token), "signature": str(ada.token).rpartition(".")[2]}) == set()
    assert all(row["sealed_token"] is None for row in Job.objects.values())


def test_the_search_finds_what_is_there(canaries: dict[str, str], sign_in: SignIn, transactional_db: None) -> None:
    """A check that cannot fail proves nothing."""
    with Ears() as ears:
        sign_in("usr_ada").post("/api/v1/flows", {"name": CANARIES["API token"], "content": greeting()})
        logging.getLogger("tests").warning(CANARIES["API token"])
    places = {"log": ears.written.getvalue().encode(), **dict(everything_in_the_database())}
    found = found_in(places, {"planted": CANARIES["API token"], "absent": CANARIES["client secret"]})
    assert {("planted", "log"), ("planted", "flows_flow")} <= found
    assert {name for name, _ in found} == {"planted"}
