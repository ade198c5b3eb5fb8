"""Lookups: read-only proxies to ScaiQueue, ScaiBunker and ScaiGrid, and the ScaiCore proxy (events, checkpoints, invoke).

Doors: `urls.py`. Nothing is kept here but short-lived copies of the list of models. A Core is reached only through a flow
that was deployed to it and that the caller may see; `flows.access` decides. Enters flows only through access, operations
and roles; never meets webhooks.
"""
