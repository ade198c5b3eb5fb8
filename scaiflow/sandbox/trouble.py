"""A page of buttons, `/sandbox/trouble`: what goes wrong with real services goes wrong here when it is wanted, and time
passes as quickly as it is wanted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.envelope import not_found
from scaiflow.sandbox.scaigrid.wakeups import pass_time
from scaiflow.sandbox.scaikey.keys import ALGORITHMS, rotate
from scaiflow.sandbox.state import Sandbox, current
from scaiflow.sandbox.switches import Switches

_MODULES = "/v1/modules"
TROUBLES: dict[str, tuple[str, dict[str, Any]]] = {
    "slow": ("Every service answers two seconds late", {"latency_ms": 2000}),
    "scaicore": ("ScaiCore is down: deploys and runs fail", {"fail_status": 503, "fail_prefix": f"{_MODULES}/scaicore"}),
    "scaiqueue": ("ScaiQueue refuses: no queues", {"fail_status": 403, "fail_prefix": f"{_MODULES}/scaiqueue"}),
    "models": ("The list of models is broken", {"fail_status": 500, "fail_prefix": "/v1/models"}),
    "limit": ("Five calls of ScaiGrid a minute, then 429", {"rate_limit": 5}),
    "rights": ("The service client has no platform rights", {"platform_rights": False}),
    "users": ("The list of effective users is refused", {"effective_users": False}),
}  # fmt: skip
MOMENTS = {"minute": 60, "hour": 3600, "day": 86_400}
blueprint = Blueprint("trouble", __name__, url_prefix="/sandbox")


@blueprint.get("/trouble")
def page() -> str:
    now = asdict(current().switches)
    return render_template(
        "trouble.html",
        troubles=[(name, words, wanted.items() <= now.items()) for name, (words, wanted) in TROUBLES.items()],
        moments=MOMENTS,
        now=iso(current().clock.now()),
    )


@blueprint.post("/trouble")
def press() -> ResponseReturnValue:
    """A button: a trouble, `none`, `keys`, or a moment of time."""
    pressed = request.form.get("do", "")
    if not _done(current(), pressed):
        raise not_found("button")
    return redirect("/sandbox/trouble", 303)


def _done(sandbox: Sandbox, pressed: str) -> bool:
    if pressed in TROUBLES:
        sandbox.switch(TROUBLES[pressed][1])
    elif pressed == "none":
        sandbox.switch(asdict(Switches()))
    elif pressed == "keys":
        rotate(sandbox, ALGORITHMS[0])
    elif pressed in MOMENTS:
        sandbox.advance(MOMENTS[pressed])
        pass_time(sandbox)
    else:
        return False
    return True
