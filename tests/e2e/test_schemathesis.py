"""The server against its own document, with thousands of made-up requests: no 500, and no answer that is not told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scaiflow.console.visitor import Visitor

pytestmark = [pytest.mark.process, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
SECONDS = "40"


@pytest.mark.parametrize("person", ["usr_ada", "usr_sam"])
def test_the_server_does_what_its_document_says(stage: Visitor, person: str, tmp_path: Path) -> None:
    stage.sign_in(person)
    run = [
        str(Path(sys.executable).with_name("st")),
        "--config-file",
        str(CONFIG),
        "run",
        str(ROOT / "docs/openapi.json"),
    ]
    asked = [
        "--no-color",
        "--url",
        stage.base_url,
        "-H",
        f"Authorization: Bearer {stage.token}",
        "--max-time",
        SECONDS,
        "--request-timeout",
        "60",
    ]
    env = os.environ | {"SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    told = subprocess.run([*run, *asked], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-8000:] + told.stderr[-2000:]
