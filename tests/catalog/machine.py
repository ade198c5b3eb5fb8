"""One machine that publishes: an installation of its own in a process of its own (see test_two_machines.py).

    python -m tests.catalog.machine <moment> < drafts.json        prints {file: SHA-256, ...}

Its clock stands at <moment>; everything else (folder, hash seed, time zone, umask, locale) is the process's own.
"""

# ruff: noqa: E402, T201  Django is set up before its models can be imported; what is printed is the answer
from __future__ import annotations

import hashlib
import json
import logging
import os
import sys

import time_machine

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.core.management import call_command

from tests.conftest import Caller
from tests.loopback import serving
from tests.scaikey import ScaiKey
from tests.settings import WORK


def main() -> None:
    logging.disable()
    drafts = json.load(sys.stdin)
    with time_machine.travel(sys.argv[1]):
        call_command("migrate", verbosity=0)
        with serving(ScaiKey()) as scaikey:
            settings.SCAIKEY_BASE_URL = scaikey.url
            caller = Caller(scaikey.token(sub="usr_ada", tenant_id="tnt_demo"))  # type: ignore[attr-defined]
            for draft in drafts:
                answer = caller.post("/api/v1/catalog/publish", draft)
                assert answer.status_code == 201, answer.content
    files = sorted((WORK / "objects").rglob("*.scaipkg"))
    print(json.dumps({str(file.relative_to(WORK)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}))


if __name__ == "__main__":
    main()
