"""ScaiQueue: scopes, queues and messages."""

from __future__ import annotations
