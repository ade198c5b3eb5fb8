"""Webhooks: what ScaiKey tells us, signed.

Nothing is served from here yet; the room is kept so that the staircase is whole. Never meets lookups.
"""
