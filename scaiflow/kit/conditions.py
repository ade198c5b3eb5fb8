"""Conditional requests after RFC 9110, section 13: `If-Match` compares strongly, `If-None-Match` weakly, `*` is any state
that exists. Pure.

A header that is not a list of entity tags names none: an `If-Match` like that refuses, an `If-None-Match` lets through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ENTITY_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
TAG_LIST = re.compile(rf"[\s,]*(?:{ENTITY_TAG.pattern}\s*(?:,[\s,]*|$))+")


@dataclass(frozen=True)
class Conditions:
    """What the caller wants to be so of the object's entity tag; None where they do not say."""

    if_match: str | None = None
    if_none_match: str | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Conditions:
        return cls(headers.get("If-Match"), headers.get("If-None-Match"))

    def misses(self, etag: str) -> bool:
        """There is an `If-Match`, and `etag` (a strong one) is not what it asks for."""
        return self.if_match is not None and not _names(self.if_match, etag, weakly=False)

    def knows(self, etag: str) -> bool:
        """There is an `If-None-Match`, and the caller has this state already, or wants none to exist."""
        return self.if_none_match is not None and _names(self.if_none_match, etag, weakly=True)


NONE = Conditions()


def _names(header: str, etag: str, *, weakly: bool) -> bool:
    if header.strip() == "*":
        return True
    if not TAG_LIST.fullmatch(header):
        return False
    return any(tag == etag and (weakly or not weak) for weak, tag in ENTITY_TAG.findall(header))
