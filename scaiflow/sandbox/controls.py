"""The sandbox's own doors, under `/sandbox`: what tests and demonstrations turn. No credentials; loopback only."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, request

from scaiflow.sandbox.clock import iso
from scaiflow.sandbox.envelope import ApiError, answer, json_object, not_found, text_field
from scaiflow.sandbox.people import API_KEYS, PEOPLE
from scaiflow.sandbox.scaigrid.wakeups import pass_time
from scaiflow.sandbox.scaikey.keys import ALGORITHMS, rotate
from scaiflow.sandbox.scaikey.tokens import access_token, granted_scope, user_claims
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
    """Sign with a new key from now on; the body may name its `algorithm`, RS256 or ES256."""
    algorithm = json_object().get("algorithm", ALGORITHMS[0])
    if algorithm not in ALGORITHMS:
        raise ApiError(422, "VALIDATION_ERROR", f"algorithm must be one of {', '.join(ALGORITHMS)}")
    return answer({"kid": rotate(current(), algorithm)})


@blueprint.post("/tokens")
def token() -> Response:
    """An access token of `user` without a browser; `claims` replaces claims, so that odd tokens can be tried."""
    body = json_object()
    user = current().store.get("user", text_field(body, "user"))
    if user is None:
        raise not_found("user")
    claims = {**user_claims(current(), user.body), **(body.get("claims") or {})}
    scope = granted_scope(user.body, "openid profile email")
    client_id = current().config.client_id
    return answer(
        {"access_token": access_token(current(), subject=user.id, client_id=client_id, scope=scope, claims=claims)}
    )


@blueprint.route("/switches", methods=["GET", "POST"])
def switches() -> Response:
    """Read or change the switches; the body names those to change."""
    if request.method == "POST" and (wrong := current().switch(json_object())):
        raise ApiError(422, "VALIDATION_ERROR", f"unknown switch, wrong type or out of range: {', '.join(wrong)}")
    return answer(asdict(current().switches))


@blueprint.post("/clock")
def clock() -> Response:
    """Body `{"advance_seconds": n}`: move the sandbox's time forwards; whatever has run out by then goes on."""
    seconds = json_object().get("advance_seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise ApiError(422, "VALIDATION_ERROR", "advance_seconds must be a number of seconds")
    current().advance(float(seconds))
    return answer({"now": iso(current().clock.now()), "woken": pass_time(current())})


@blueprint.get("/outbox")
def outbox() -> Response:
    """The mails that flows have sent."""
    return answer({"items": [row.body for row in current().store.find("mail")]})
