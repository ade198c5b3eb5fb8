"""`scaisend`: mail that goes no further than the sandbox's outbox."""

from __future__ import annotations

from typing import Any

from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.plugins.call import Call


def send(call: Call) -> dict[str, Any]:
    body = {
        "id": call.sandbox.ids.new("mail"),
        "sent_at": iso(call.sandbox.clock.now()),
        "core_id": call.core_id,
        "execution_id": call.execution_id,
        **{name: call.text(name) for name in ("to", "subject", "body")},
        **{name: call.args[name] for name in ("cc", "reply_to") if call.args.get(name)},
    }
    call.sandbox.store.add("mail", body["id"], body, tenant=call.tenant_id)
    return {"message_id": body["id"], "status": "sent"}
