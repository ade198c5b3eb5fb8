"""The database, from the event loop: on threads of our own, which keep their connections open.

One thread writes, so that groups reach the log in the order in which they were collected; a few read; one makes snapshots,
for which whole documents are in memory. On SQLite the writer does not wait for the disk: what it commits outlives this
process however that ends, and only a power failure may take the last moments of it, which the clients still have. Waiting
would cost 200 microseconds of CPU and some milliseconds a group.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connection, connections

Given = ParamSpec("Given")
Result = TypeVar("Result")
READERS = 3
_writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sync-writer")
_compactor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sync-compactor")
_readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="sync-reader")


async def on_writer(work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_writer, lambda: _write(work, *args, **kwargs))


async def on_reader(work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """In a copy of this context, so that what is told and written down there has the id of the socket."""
    here = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(
        _readers, lambda: here.run(lambda: _run(work, *args, **kwargs))
    )


async def on_compactor(work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_compactor, lambda: _run(work, *args, **kwargs))


def _write(work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    if connection.connection is None and connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")
    return _run(work, *args, **kwargs)


def _run(work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    try:
        return work(*args, **kwargs)
    except DatabaseError:
        connections.close_all()  # it may be the connection that is broken; the next call opens another
        raise
