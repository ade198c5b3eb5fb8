"""Processes that are started together are gone together, whenever the one who started them is told to stop."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaiflow.console.processes import NotStarted, Processes, Stopped, free_port

STAY = "import signal\nsignal.pause()"
TELL_THE_PARENT = "import os, signal\nos.kill(os.getppid(), signal.SIGTERM)\n"
TELL_IT_AGAIN_AT_THE_END = """
import os, signal, sys
def end(*_):
    os.kill(os.getppid(), signal.SIGTERM)
    os.kill(os.getppid(), signal.SIGINT)
    sys.exit()
signal.signal(signal.SIGTERM, end)
""" + (TELL_THE_PARENT + STAY)


@pytest.fixture(autouse=True)
def handlers_as_before() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def group() -> Processes:
    made = Processes()
    made.stop_at(signal.SIGTERM, signal.SIGINT)
    return made


def test_a_signal_while_something_is_run_ends_it_and_everything_else(group: Processes) -> None:
    with pytest.raises(Stopped), group:
        other = group.start("other", ["-c", STAY], os.environ)
        group.run("telling", ["-c", TELL_THE_PARENT + STAY], os.environ)
    assert (other.returncode, group.running["telling"].returncode) == (-signal.SIGTERM, -signal.SIGTERM)


def test_a_signal_while_a_server_comes_up_does_the_same(group: Processes) -> None:
    with pytest.raises(Stopped), group:
        group.start("telling", ["-c", TELL_THE_PARENT + STAY], os.environ)
        group.wait_until_up("telling", free_port())
    assert group.running["telling"].returncode == -signal.SIGTERM


def test_more_signals_while_they_are_ended_leave_nobody_behind(group: Processes) -> None:
    with pytest.raises(Stopped), group:
        group.start("telling", ["-c", TELL_IT_AGAIN_AT_THE_END], os.environ)
        last = group.start("last", ["-c", STAY], os.environ)
        group.wait_for_any_end()
    assert (group.running["telling"].returncode, last.returncode) == (0, -signal.SIGTERM)


def test_what_the_same_ctrl_c_ended_is_not_told_as_a_failure(group: Processes) -> None:
    with pytest.raises(Stopped), group:
        group.start("telling", ["-c", TELL_THE_PARENT], os.environ).wait()
        group.wait_for_any_end()


def test_what_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match="these words"), Processes(logs=tmp_path) as group:
        group.run("failing", ["-c", "raise SystemExit('these words')"], os.environ)


def test_a_free_port_is_given_once_and_a_server_can_have_it() -> None:
    ports = {free_port() for _ in range(50)}
    assert len(ports) == 50
    for port in ports:
        with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(server.getsockname()):
            pass
