"""The name under which the end of deliveries stands in the audit log. (What they change stands there as the mirror's.)"""

from __future__ import annotations

from scaiflow.kit.audit import register

DELIVERIES_FORGOTTEN = register("deliveries.forgotten")
