"""Flows: the graphs that people draw, their versions, and what becomes of them: compiled, deployed, tested.

Doors: `urls` (HTTP and the sync socket). Other apps enter only through `access` (the one way to a flow), `operations` and
`roles`. The engines `compiler` and `sync` are pure and import nothing of ours; `realtime` is what moves on the event loop.
Imports catalog, tenants, scaiflow.upstream and scaiflow.kit.
"""
