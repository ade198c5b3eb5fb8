"""Flows: the graphs that people draw, their versions, and what becomes of them: compiled, deployed, tested.

Doors: `urls` (HTTP). Other apps enter only through `access` (the one way to a flow), `operations` and `roles`. The engine
`compiler` is pure and imports nothing of ours. Imports catalog, tenants, scaiflow.upstream and scaiflow.kit.
"""
