"""The client in docs/realtime.md, run as it stands there."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.sync.node import FOLDER, Node
from tests.sync.people import join
from tests.sync.stage import Stage

pytestmark = [pytest.mark.process, pytest.mark.django_db]
DOCUMENT = Path(__file__).parents[2] / "docs" / "realtime.md"
ADDRESS = "wss://host/api/v1/flows/flow_123"
# Node has no WebSocket of its own before its 22nd version.
BEFORE = "import WebSocket from 'ws'; globalThis.WebSocket = WebSocket; const token = {token}\n"
AFTER = "\nprovider.on('sync', () => doc.getMap('map').set('from', 'the documents'))"


def test_the_client_of_the_documents_works(node: Node, calm: Stage) -> None:
    (example,) = re.findall(r"^```js\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    assert ADDRESS in example
    flow = calm.flow()
    join(node, calm, "ada", flow)
    script = BEFORE.format(token=json.dumps(calm.token())) + example.replace(ADDRESS, calm.url(flow)) + AFTER
    with subprocess.Popen(["node", "--input-type=module", "--eval", script], cwd=FOLDER) as client:
        try:
            node.until("has", id="ada", key="from", value="the documents")
            deadline = time.monotonic() + 20
            while {"node": "start"} not in cursors(node) and time.monotonic() < deadline:
                continue
            assert {"node": "start"} in cursors(node)
        finally:
            client.kill()


def cursors(node: Node) -> list[Any]:
    return [state.get("cursor") for state in node.ask("states", id="ada")["states"].values()]
