"""Tries an update, or a whole document, in a process of its own: `python -m flows.sync.trial < update` ends well if a
document can take it in, and can delete it again.

For the few updates that `document.is_plain` does not vouch for, and for documents of many types (nesting.py): one that would
end the process ends this one, and with a part of the stack that others have, so that there is some way to go.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from pycrdt import Array, Doc, Map

from flows.sync.document import BadUpdate, Document

ROOT = Path(__file__).parents[2]
SECONDS = 30.0
STACK = 1 << 19  # bytes; a process has sixteen times as much


async def try_out(update: bytes) -> None:
    """Raises BadUpdate unless another process could take the update in."""
    trial = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "flows.sync.trial",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(trial.communicate(update), SECONDS)
    finally:
        if trial.returncode is None:
            trial.kill()
            await trial.wait()
    if trial.returncode != 0:
        raise BadUpdate("no document can take this update in")


def survive(update: bytes) -> None:
    """Takes it in, and deletes all of it, which goes as deep as it nests. A root is an array, a map, or both. Raises
    BadUpdate, or ends the process."""
    Document().apply(update)
    for kind in (Array, Map):
        doc: Doc[Any] = Doc()
        doc.apply_update(update)
        for name in list(doc.keys()):
            doc.get(name, type=kind).clear()


def _main() -> None:
    try:
        survive(sys.stdin.buffer.read())
    except BadUpdate as error:
        sys.stderr.write(str(error))
        os._exit(1)


if __name__ == "__main__":
    threading.stack_size(STACK)
    trial = threading.Thread(target=_main)
    trial.start()
    trial.join()
