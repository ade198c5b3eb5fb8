"""The same content published on two machines is the same bytes: nothing of a machine gets into a package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.drawings import greeting

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs/examples").glob("*.flow.json"))
MACHINES: list[dict[str, Any]] = [
    {
        "moment": "2001-02-03 04:05:06",
        "umask": 0o077,
        "env": {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
    },
    {"moment": "2041-12-31 23:59:58", "umask": 0, "env": {"PYTHONHASHSEED": "99", "TZ": "America/New_York"}},
]


def drafts() -> list[dict[str, Any]]:
    """Every example of the documentation, and one with all that a draft may hold, published twice."""
    of_examples = [
        {
            "package_id": f"example-{number}",
            "name": path.stem,
            "version": "1.0.0",
            "content": json.loads(path.read_text()),
        }
        for number, path in enumerate(EXAMPLES)
    ]
    full = {
        "description": "Größe",
        "readme": "# Größe\n",
        "content": greeting(extra={"ü": [1.5, None, {"b": 1, "a": 2}]}),
    }
    return [*of_examples, *([{"package_id": "full", "name": "Größe", "version": "1.0.0", **full}] * 2)]


def turned(value: Any) -> Any:
    """The same JSON, its keys the other way round."""
    if isinstance(value, dict):
        return {key: turned(inner) for key, inner in reversed(value.items())}
    return [turned(inner) for inner in value] if isinstance(value, list) else value


def published(home: Path, machine: dict[str, Any], body: Any) -> dict[str, str]:
    """What a copy of the program in `home` makes of it."""
    folders = ["scaiflow", "flows", "tenants", "catalog", "lookups", "webhooks", "templates", "tests"]
    for folder in folders:
        shutil.copytree(ROOT / folder, home / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (home / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.catalog.machine", machine["moment"]],
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home / "tmp"), **machine["env"]},
        umask=machine["umask"],
        input=json.dumps(body),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, str] = json.loads(done.stdout)
    return told


@pytest.mark.slow
@pytest.mark.process
def test_two_machines_make_the_same_bytes(tmp_path: Path) -> None:
    one, other = drafts(), turned(drafts())
    homes = [tmp_path / "one", tmp_path / "another place" / "ü"]
    made = [published(home, machine, body) for home, machine, body in zip(homes, MACHINES, (one, other), strict=True)]
    assert made[0] == made[1]
    assert len(made[0]) == len(one) > 2
