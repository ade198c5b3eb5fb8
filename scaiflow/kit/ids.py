"""Opaque ids: a prefix that tells the kind, and 22 url-safe random characters (128 bits)."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_urlsafe(16)}"


def flow_id() -> str:
    return new_id("flow")


def deployment_id() -> str:
    return new_id("dep")


def job_id() -> str:
    return new_id("job")


def acl_id() -> str:
    return new_id("acl")


def test_run_id() -> str:
    return new_id("run")


def package_id() -> str:
    return new_id("pkg")


def audit_id() -> str:
    return new_id("aud")


class OpaqueId:
    """Path converter: what can be an id of ours or of a service. Anything else is no route at all, least of all a segment of
    dots alone, which would lead elsewhere in an upstream's path."""

    regex = r"(?!\.+(?:/|$))[A-Za-z0-9_.-]{1,128}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
