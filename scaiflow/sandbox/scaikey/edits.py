"""The directory's editing doors, under `/sandbox`: JSON for scripts, and one small page with forms."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from scaiflow.sandbox.envelope import ApiError, answer, json_object, not_found, text_field
from scaiflow.sandbox.people import TENANTS
from scaiflow.sandbox.scaikey import membership
from scaiflow.sandbox.scaikey.webhooks import deliver
from scaiflow.sandbox.state import current

blueprint = Blueprint("edits", __name__, url_prefix="/sandbox")


@blueprint.post("/groups")
def create_group() -> Response:
    body = json_object()
    return answer(membership.create_group(current(), text_field(body, "tenant_id"), text_field(body, "name")), 201)


@blueprint.patch("/groups/<group_id>")
def rename_group(group_id: str) -> Response:
    return answer(membership.rename_group(current(), group_id, text_field(json_object(), "name")))


@blueprint.delete("/groups/<group_id>")
def delete_group(group_id: str) -> Response:
    return answer(membership.delete_group(current(), group_id))


@blueprint.put("/groups/<group_id>/members/<user_id>")
def add_member(group_id: str, user_id: str) -> Response:
    return answer(membership.add_member(current(), group_id, user_id))


@blueprint.delete("/groups/<group_id>/members/<user_id>")
def remove_member(group_id: str, user_id: str) -> Response:
    return answer(membership.remove_member(current(), group_id, user_id))


@blueprint.patch("/users/<user_id>")
def change_user(user_id: str) -> Response:
    return answer(membership.set_status(current(), user_id, text_field(json_object(), "status")))


@blueprint.post("/deliveries/<event_id>/again")
def deliver_again(event_id: str) -> Response:
    """Send an event once more, with its old id and a fresh signature."""
    found = current().store.get("delivery_log", event_id)
    if found is None:
        raise not_found("delivery")
    return answer(deliver(current(), found.body["event"]))


@blueprint.get("/deliveries")
def deliveries() -> Response:
    return answer({"items": [row.body for row in current().store.find("delivery_log", newest_first=True, limit=100)]})


@blueprint.get("/directory")
def page() -> str:
    """People, groups, memberships, and what has become of the last webhooks."""
    store = current().store
    members = {(row.ref, row.body["user_id"]) for row in store.find("member")}
    return render_template(
        "directory.html",
        tenants=TENANTS,
        people=[row.body for row in store.find("user")],
        groups=[row.body for row in store.find("group")],
        members=members,
        deliveries=[row.body for row in store.find("delivery_log", newest_first=True, limit=10)],
        webhook_url=current().config.webhook_url,
    )


@blueprint.post("/directory")
def press() -> ResponseReturnValue:
    """One button of the page: `do` names it."""
    form, sandbox = request.form, current()
    group_id, user_id = form.get("group", ""), form.get("user", "")
    match form.get("do"):
        case "add":
            membership.add_member(sandbox, group_id, user_id)
        case "remove":
            membership.remove_member(sandbox, group_id, user_id)
        case "create":
            membership.create_group(sandbox, form.get("tenant", ""), form.get("name", "").strip() or "New group")
        case "delete":
            membership.delete_group(sandbox, group_id)
        case "suspend" | "activate" as verb:
            membership.set_status(sandbox, user_id, "ACTIVE" if verb == "activate" else "SUSPENDED")
        case _:
            raise ApiError(422, "VALIDATION_ERROR", "unknown button")
    return redirect("/sandbox/directory", 303)
