"""The console: the roof. It sees every app and nobody imports it.

Doors: `/` (what this server is), `/healthz` (the process lives) and `/readyz` (what it stands on answers).
"""
