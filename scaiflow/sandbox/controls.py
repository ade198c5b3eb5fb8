"""The sandbox's own doors, under `/sandbox`: what tests and demonstrations turn. No credentials; loopback only."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, request

from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.envelope import ApiError, answer, json_object
from scaiflow.sandbox.people import API_KEYS, PEOPLE
from scaiflow.sandbox.scaigrid.wakeups import pass_time
from scaiflow.sandbox.scaikey.keys import rotate
from scaiflow.sandbox.state import current

blueprint = Blueprint("controls", __name__, url_prefix="/sandbox")


@blueprint.get("/state")
def state() -> Response:
    """The address, the ready people and keys, for scripts."""
    people = [{"id": one.id, "email": one.email, "tenant_id": one.tenant_id, "title": one.title} for one in PEOPLE]
    return answer(
        {"base_url": current().base_url, "people": people, "api_keys": API_KEYS, "now": iso(current().clock.now())}
    )


@blueprint.post("/rotate-keys")
def rotate_keys() -> Response:
    """Sign with a new key from now on."""
    return answer({"kid": rotate(current())})


@blueprint.route("/switches", methods=["GET", "POST"])
def switches() -> Response:
    """Read or change the switches; the body names those to change."""
    if request.method == "POST" and (wrong := current().switches.change(json_object())):
        raise ApiError(422, "VALIDATION_ERROR", f"unknown switch or wrong type: {', '.join(wrong)}")
    return answer(asdict(current().switches))


@blueprint.post("/clock")
def clock() -> Response:
    """Body `{"advance_seconds": n}`: move the sandbox's time forwards; whatever has run out by then goes on."""
    seconds = json_object().get("advance_seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise ApiError(422, "VALIDATION_ERROR", "advance_seconds must be a number of seconds")
    current().clock.advance(float(seconds))
    return answer({"now": iso(current().clock.now()), "woken": pass_time(current())})


@blueprint.get("/outbox")
def outbox() -> Response:
    """The mails that flows have sent."""
    return answer({"items": [row.body for row in current().store.find("mail")]})
