"""A typed client, generated from the committed OpenAPI document at test time: what a stranger would make of it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "openapi.json"
PACKAGE = "scaiflow_client"


def generate(folder: Path) -> Path:
    """The client as a package in `folder`; fails on anything in the document that the generator does not understand."""
    config = folder / "config.yaml"
    config.write_text(f"package_name_override: {PACKAGE}\npost_hooks: []\n")
    arguments = ["generate", "--path", str(DOCUMENT), "--output-path", str(folder / PACKAGE), "--config", str(config)]
    command = [
        str(Path(sys.executable).with_name("openapi-python-client")),
        *arguments,
        "--meta",
        "none",
        "--fail-on-warning",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return folder


def load(name: str) -> ModuleType:
    """`load("api.flows.create_flow")`, once `generate`'s folder is on the path."""
    return importlib.import_module(f"{PACKAGE}.{name}")
