"""A real sandbox on a free loopback port, and a client that signs in as one of its people."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scaiflow.sandbox.config import Config
from scaiflow.sandbox.server import Loop, listening
from tests.sandbox.client import SandboxClient


@contextmanager
def running(config: Config) -> Iterator[str]:
    """A sandbox of its own in a thread; its address."""
    with listening(config) as (server, sandbox):
        loop = Loop(server)
        thread = threading.Thread(target=loop.run)
        thread.start()
        try:
            yield sandbox.base_url
        finally:
            loop.stop()
            thread.join()


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    with running(Config(port=0)) as url:
        yield url


@pytest.fixture
def own_url() -> Iterator[str]:
    """A sandbox of the test's own, for what nobody else may notice: its keys are rotated, and older tokens end."""
    with running(Config(port=0)) as url:
        yield url


@pytest.fixture(scope="session")
def ada(sandbox_url: str) -> SandboxClient:
    return SandboxClient(sandbox_url).sign_in("usr_ada")


@pytest.fixture(scope="session")
def vera(sandbox_url: str) -> SandboxClient:
    return SandboxClient(sandbox_url).sign_in("usr_vera")


@pytest.fixture(scope="session")
def olaf(sandbox_url: str) -> SandboxClient:
    return SandboxClient(sandbox_url).sign_in("usr_olaf")
