"""ScaiBunker: the bunkers that there are. (spec: upstreams.md, ScaiBunker)"""

from __future__ import annotations

from scaiflow.upstream.pages import Item, all_items

SERVICE = "scaibunker"


def list_bunkers(*, base_url: str, token: str) -> list[Item]:
    """All of them, those that are over included. Raises UpstreamError, Unreachable, PassedThrough."""
    return list(all_items(SERVICE, f"{base_url}/bunkers", token=token))
