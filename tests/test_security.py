"""What protects browsers and the server itself, as a production installation has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Caller
from tests.kit.test_env import PRODUCTION

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[1]
PATHS = [
    "/",
    "/api/v1/flows",
    "/api/v1/auth/config",
    "/api/v1/none",
    "/api/docs",
    "/login",
    "/nothing",
    "/healthz",
    "/admin/",
]


def production(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **PRODUCTION, "SCAIFLOW_SECRET_KEY": "x7Qz-_pL" * 8}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_djangos_own_check_of_a_deployment_is_clean() -> None:
    told = production("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "no issues" in told.stdout


def test_plain_http_is_led_to_https_but_for_those_who_watch_over_the_process() -> None:
    code = (
        "import django; django.setup(); from django.test import Client; c = Client(headers={'host': 'localhost'});"
        "print(*[c.get(path).status_code for path in ('/', '/api/v1/me', '/healthz', '/metrics')],"
        " c.get('/healthz', secure=True)['Strict-Transport-Security'])"
    )
    env = {"PATH": os.environ["PATH"], **PRODUCTION, "DJANGO_SETTINGS_MODULE": "scaiflow.settings"}
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["301", "301", "200", "404", "max-age=31536000;", "includeSubDomains"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_protecting_headers(stranger: Caller, path: str) -> None:
    answer = stranger.get(path)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    if path.startswith("/api") or path == "/":
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]


def test_only_listed_origins_may_call_from_a_browser(stranger: Caller, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://canvas.example"]
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    known = stranger.options("/api/v1/flows", headers={"Origin": "https://canvas.example", **asked})
    assert (known.status_code, known["Access-Control-Allow-Origin"]) == (200, "https://canvas.example")
    assert not known.has_header("Access-Control-Allow-Credentials")
    for origin in ("https://evil.example", "null", "https://canvas.example.evil"):
        answer = stranger.get("/api/v1/auth/config", headers={"Origin": origin})
        assert not answer.has_header("Access-Control-Allow-Origin")


def test_a_page_takes_no_larger_body_than_the_api(stranger: Caller, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1000  # a flow's document is typed into a page of the console, so it is no less
    assert stranger.post("/logout", "x" * 1001, content_type="text/plain").status_code == 413


def test_tokens_are_kept_by_no_cache(stranger: Caller) -> None:
    assert stranger.get("/api/v1/flows")["Cache-Control"] == "private, no-cache"
