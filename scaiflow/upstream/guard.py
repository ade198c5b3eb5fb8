"""Where a connection may end: checked on the socket itself, when it is open, so that no answer of a name server between
the check and the connection can lead it elsewhere.

Names on the operator's lists may well be private addresses (a ScaiGrid in the same network). Never good are the addresses
by which a machine talks to itself or to its cloud: loopback (unless the URL says so in as many words), link-local
(169.254.169.254 hands out a cloud machine's credentials), multicast and unspecified ones.
"""

from __future__ import annotations

import ipaddress
import socket
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


class _Guarded(HTTPConnection):
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
