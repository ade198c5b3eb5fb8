"""The start page: what this is, where things are, who can sign in."""

from __future__ import annotations

from flask import Blueprint, render_template

from scaiflow.sandbox.people import API_KEYS, PEOPLE, TENANTS
from scaiflow.sandbox.state import current

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def start() -> str:
    return render_template(
        "start.html",
        base_url=current().base_url,
        client_id=current().config.client_id,
        people=PEOPLE,
        tenants=TENANTS,
        api_keys=API_KEYS,
    )
