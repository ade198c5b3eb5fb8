"""Lookups: read-only proxies to the upstreams, and the ScaiCore proxy.

Nothing is served from here yet; the room is kept so that the staircase is whole. Enters flows only through access,
operations and roles; never meets webhooks.
"""
