"""Where a connection may end: checked on the socket itself, when it is open, so that no answer of a name server between
the check and the connection can lead it elsewhere.

Names on the operator's lists may well be private addresses (a ScaiGrid in the same network). Never good are the addresses
by which a machine talks to itself or to its cloud: loopback (unless the URL says so in as many words), link-local
(169.254.169.254 hands out a cloud machine's credentials), multicast and unspecified ones.

What comes over the connection is timed here too, down to a status line or a header that comes a byte at a time.
"""

from __future__ import annotations

import io
import ipaddress
import socket
import time
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter  # noqa: TID251  part of the one room
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError


def is_good(peer: str, host: str) -> bool:
    """Whether a connection meant for `host` may end at the address `peer`."""
    address = ipaddress.ip_address(peer.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback:
        return names_loopback(host)
    return not (address.is_link_local or address.is_multicast or address.is_unspecified)


def names_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _OnTime(io.RawIOBase):
    """What a socket receives, with one limit of time for all of it: a socket's own limit begins anew with every byte."""

    def __init__(self, received: io.RawIOBase, sock: socket.socket) -> None:
        self._received, self._sock = received, sock
        seconds = sock.gettimeout()
        self._until = None if seconds is None else time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer was not there in time")
            self._sock.settimeout(left)
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


class _AnswerOnTime(HTTPResponse):
    """An answer whose lines, headers and body together are to come within the time that the socket has when it begins."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_OnTime(self.fp.detach(), sock))


class _Guarded(HTTPConnection):
    response_class = _AnswerOnTime

    def _new_conn(self) -> socket.socket:
        opened = super()._new_conn()
        if not is_good(opened.getpeername()[0], self.host):
            opened.close()
            raise NewConnectionError(self, "the name leads to an address that is not connected to")
        return opened


class _GuardedTLS(_Guarded, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTLS


class GuardedAdapter(HTTPAdapter):
    """requests' adapter with connections that look where they have arrived."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TLSPool}
