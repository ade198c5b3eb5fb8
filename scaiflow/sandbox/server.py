"""Binds the port, serves, and dies cleanly on SIGTERM and SIGINT."""

from __future__ import annotations

import logging
import signal
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waitress import create_server
from waitress.server import BaseWSGIServer

from scaiflow.sandbox.config import Config, ConfigError
from scaiflow.sandbox.people import seed
from scaiflow.sandbox.scaigrid.executions import bury_lost
from scaiflow.sandbox.scaigrid.wakeups import pass_time
from scaiflow.sandbox.state import Sandbox
from scaiflow.sandbox.store import Store
from scaiflow.sandbox.web import create_app

log = logging.getLogger(__name__)
_THREADS = 16
_TICK_SECONDS = 1.0


def run(config: Config) -> None:
    """Serve until a signal. Prints one line, `sandbox listening on http://...`, once the port is bound."""
    signal.signal(signal.SIGTERM, _interrupt)
    # It tells of every moment in which all threads are busy, which is nothing to tell a person.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        with listening(config) as (server, sandbox):
            loop = Loop(server)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, loop.stop)
            sys.stdout.write(f"sandbox listening on {_address(config, server)}\n")
            sys.stdout.flush()
            loop.run()
    except KeyboardInterrupt:
        return


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Loop:
    """Serves until it is stopped, between two events. An exception from a signal's handler would end it inside of one, such
    as after a connection was accepted and before anything knew of it."""

    def __init__(self, server: BaseWSGIServer) -> None:
        self._server = server
        self._is_stopped = False

    def run(self) -> None:
        loop, patience = self._server.asyncore.loop, self._server.adj.asyncore_loop_timeout
        while not self._is_stopped:
            loop(timeout=patience, map=self._server._map, count=1)  # noqa: SLF001  there is no other way to it

    def stop(self, *_: object) -> None:
        """From a signal's handler or another thread, before the server is closed. Only the first time counts."""
        if not self._is_stopped:
            self._is_stopped = True
            self._server.pull_trigger()


@contextmanager
def listening(config: Config) -> Iterator[tuple[BaseWSGIServer, Sandbox]]:
    """A bound server, ready to run, and its sandbox; everything that it opened is closed again."""
    with tempfile.TemporaryDirectory(prefix="sandbox-", ignore_cleanup_errors=True) as folder:
        store = _opened(config)
        bunkers = config.state.with_name(f"{config.state.name}.bunkers") if config.state else Path(folder)
        sandbox = Sandbox(config, store, "", bunkers)
        seed(store)
        server = _bound(config, sandbox)
        sandbox.base_url = config.public_url or _address(config, server)
        bury_lost(sandbox)
        stopped = threading.Event()
        ticker = threading.Thread(target=_tick, args=(sandbox, stopped), daemon=True)
        ticker.start()
        try:
            yield server, sandbox
        finally:
            stopped.set()
            ticker.join()
            _close(server)
            store.close()


def _opened(config: Config) -> Store:
    try:
        return Store(config.state)
    except sqlite3.Error as error:
        raise ConfigError(f"--state {config.state}: {error}") from error


def _close(server: BaseWSGIServer) -> None:
    """Let the threads finish, then hang up on the clients that keep their connections open."""
    server.task_dispatcher.shutdown()
    for channel in list(server.active_channels.values()):
        channel.handle_close()
    server.close()


def _bound(config: Config, sandbox: Sandbox) -> BaseWSGIServer:
    try:
        return create_server(create_app(sandbox), host=config.host, port=config.port, threads=_THREADS, ident=None)
    except OSError as error:
        raise ConfigError(f"cannot listen on {config.host}:{config.port}: {error.strerror or error}") from error


def _address(config: Config, server: BaseWSGIServer) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"http://{host}:{server.effective_port}"


def _tick(sandbox: Sandbox, stopped: threading.Event) -> None:
    """Time passes: what has run out goes on."""
    while not stopped.wait(_TICK_SECONDS):
        try:
            pass_time(sandbox)
        except Exception:
            log.exception("what was due could not be done")
