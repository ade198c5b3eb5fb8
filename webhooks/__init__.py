"""Webhooks: what ScaiKey tells us of its people as it happens, signed.

Doors: `urls`. An event is checked (`signature`, pure), read (`events`, pure), applied once (`operations`), and kept as a
delivery that admins can look at. Imports tenants, scaiflow.upstream and scaiflow.kit; never meets lookups.
"""
