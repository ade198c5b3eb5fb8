"""ScaiKey: OpenID Connect provider and directory of the ready people."""

from __future__ import annotations
