"""Pages to live with the sandbox, under `/sandbox`: runs block by block, open checkpoints, queues, mail, a chat."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from scaiflow.sandbox.envelope import not_found
from scaiflow.sandbox.people import TENANTS
from scaiflow.sandbox.scaigrid.chat import say
from scaiflow.sandbox.scaigrid.runs import decide, options_of, waits_for_people
from scaiflow.sandbox.scaigrid.wakeups import pending
from scaiflow.sandbox.scaiqueue import queues
from scaiflow.sandbox.state import current
from scaiflow.sandbox.store import Document

_SHOWN = 30
_LOOKED_THROUGH = 3_000
blueprint = Blueprint("watch", __name__, url_prefix="/sandbox")


@blueprint.get("/runs")
def runs() -> str:
    """The last runs, newest first, and what waits for a decision."""
    store = current().store
    names = {core.id: core.body["slug"] for core in store.find("core")}
    asked = [row.body for row in pending(current()) if waits_for_people(row.body)]
    waiting = [one | {"choices": options_of(one) or ["approve", "reject"]} for one in asked]
    executions = [row.body for row in store.find("execution", newest_first=True, limit=_SHOWN)]
    return render_template(
        "runs.html",
        names=names,
        waiting=waiting,
        executions=executions,
        blocks=_blocks({one["id"] for one in executions}),
    )


def _blocks(execution_ids: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Each run's blocks in the order in which they were entered, each with its last state."""
    found: dict[str, dict[str, dict[str, Any]]] = {id: {} for id in execution_ids}
    for row in reversed(current().store.find("event", newest_first=True, limit=_LOOKED_THROUGH)):
        payload = row.body["payload"]
        if payload["execution_id"] in found and "path" in payload:
            state = row.body["type"].rsplit(".", 1)[1]
            block = {**payload, "state": "waits" if state == "entered" else state}
            found[payload["execution_id"]][payload["path"]] = block
    return {id: list(blocks.values()) for id, blocks in found.items()}


@blueprint.post("/runs")
def press() -> ResponseReturnValue:
    """A button of an open checkpoint: the same decision as through the API."""
    body = {"decision": request.form.get("decision", "")}
    decide(request.form.get("checkpoint", ""), body, by="sandbox page", tenant_id=None)
    return redirect("/sandbox/runs", 303)


@blueprint.get("/queues")
def queue_page() -> str:
    """Every queue with what waits on it, and the mails."""
    store = current().store
    scopes = {row.id: row.body["slug"] for row in store.find("scope")}
    found = [
        {
            **row.body,
            "scope": scopes[row.ref],
            "tenant": TENANTS[row.tenant],
            "messages": queues.waiting(current(), row),
        }
        for row in store.find("queue")
    ]
    mails = [row.body for row in store.find("mail", newest_first=True, limit=_SHOWN)]
    return render_template("queues.html", queues=found, mails=mails)


@blueprint.get("/chat")
def chat_page() -> str:
    """A form to talk to the published Cores."""
    return _chat("", "", "")


@blueprint.post("/chat")
def chat() -> str:
    """One message to one published Core, and what it answers."""
    slug, message = request.form.get("model", ""), request.form.get("message", "").strip()
    core = next((one for one in _published() if one.body["metadata"]["published_slug"] == slug), None)
    if core is None or not message:
        raise not_found("model")
    return _chat(slug, message, say(core, [{"role": "user", "content": message}]))


def _published() -> list[Document]:
    return [core for core in current().store.find("core") if core.body["metadata"]["published_slug"]]


def _chat(slug: str, message: str, reply: str) -> str:
    slugs = [core.body["metadata"]["published_slug"] for core in _published()]
    return render_template("chat.html", slugs=slugs, slug=slug, message=message, reply=reply)
