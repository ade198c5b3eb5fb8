"""A wire on loopback between a browser and a server, which can be cut and mended while both live."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 65_536


class Wire:
    """`sent` are the bytes that went to the server, in the order of the connections."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.sent: list[bytearray] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        with suppress(OSError):  # closed: the end
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        with self._lock:
            if self._is_cut:
                near.close()
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            self._open |= {near, far}
            heard = bytearray()
            self.sent.append(heard)
        threading.Thread(target=self._carry, args=(far, near, bytearray()), daemon=True).start()
        self._carry(near, far, heard)

    def _carry(self, source: socket.socket, target: socket.socket, heard: bytearray) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                heard += data
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """All that is open ends in the middle, and nothing opens, until `mend`."""
        with self._lock:
            self._is_cut = True
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self._open.clear()

    def mend(self) -> None:
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        self.cut()
        self._listener.close()


@contextmanager
def wired(target: int) -> Iterator[Wire]:
    wire = Wire(target)
    threading.Thread(target=wire.serve, daemon=True).start()
    try:
        yield wire
    finally:
        wire.close()
