"""Tenants: who there is, who is calling, and what a tenant keeps secret.

Doors for other apps: `principals` (who calls), `authentication` (how a bearer becomes a principal), `roles`, and
`operations.credentials` (the ScaiGrid credential of a call). Imports scaiflow.upstream and scaiflow.kit.
"""
