"""A typed client, generated from the committed OpenAPI document at test time: what a stranger would make of it. The tests of
the API's roads call through it, so that a server that answers otherwise than the document says breaks them."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import typing
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "openapi.json"
PACKAGE = "scaiflow_client"
# The generator knows bytes by one media type alone.
CONFIG = f"""\
package_name_override: {PACKAGE}
post_hooks: []
content_type_overrides:
  application/zip: application/octet-stream
"""


def generate(folder: Path) -> Path:
    """The client as a package in `folder`; fails on anything in the document that the generator does not understand."""
    config = folder / "config.yaml"
    config.write_text(CONFIG)
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


class Typed:
    """Somebody at a server: `ada("deploy_flow", flow.id, body={"publish_as_model": True}).core_id`. A status that the
    document does not tell for the call, or a field that is not as it tells, is an error of the client's own."""

    def __init__(self, base_url: str, token: str) -> None:
        self.base_url, self.token = base_url, token

    @cached_property
    def client(self) -> Any:
        made = load("client").AuthenticatedClient(
            base_url=self.base_url, token=self.token, raise_on_unexpected_status=True, timeout=60
        )
        return made.__enter__()

    def leave(self) -> None:
        self.client.__exit__(None, None, None)

    def __call__(self, operation: str, *path: str, body: Any = None, **more: Any) -> Any:
        """What a call that succeeds answers. Raises AssertionError when it does not."""
        status, answer = self.ask(operation, *path, body=body, **more)
        assert status < 300, (operation, status, answer)
        return answer

    def ask(self, operation: str, *path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """The status, and the answer as the document names it."""
        call = _call(operation)
        if body is not None:
            more["body"] = _shape_of_body(call).from_dict(body)
        told = call(*path, client=self.client, **more)
        assert isinstance(told.status_code, HTTPStatus)
        return told.status_code.value, told.parsed


def _call(operation: str) -> Any:
    (found,) = Path(load("api").__file__ or "").parent.glob(f"*/{operation}.py")
    return load(f"api.{found.parent.name}.{operation}").sync_detailed


def _shape_of_body(call: Any) -> Any:
    """The model of its JSON body; a call that takes bytes as well has them as another choice."""
    said = typing.get_type_hints(inspect.unwrap(call))["body"]
    return next(kind for kind in typing.get_args(said) or (said,) if hasattr(kind, "from_dict"))
