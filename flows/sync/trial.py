"""Tries an update in a process of its own: `python -m flows.sync.trial < update` ends well if a document can take it in.

For the few updates that `document.is_plain` does not vouch for: one that would end the process ends this one.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from flows.sync.document import BadUpdate, Document

ROOT = Path(__file__).parents[2]
SECONDS = 30.0


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
        await asyncio.wait_for(trial.communicate(update), SECONDS)
    except TimeoutError:
        trial.kill()
        await trial.wait()
    if trial.returncode != 0:
        raise BadUpdate("no document can take this update in")


if __name__ == "__main__":
    try:
        Document().apply(sys.stdin.buffer.read())
    except BadUpdate as error:
        sys.exit(str(error))
