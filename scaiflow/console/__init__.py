"""The console: the roof. It sees every app and nobody imports it.

Doors: `/` (what this server is), `/login`, `/logout` and `/admin/` (for browsers, through ScaiKey), `/healthz` (the
process lives) and `/readyz` (what it stands on answers).
"""
