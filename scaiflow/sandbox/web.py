"""The WSGI application: the services side by side, one error envelope, strict headers, the demonstration switches."""

from __future__ import annotations

import json
import re
import time
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from scaiflow.sandbox import controls, pages, scaivault, trouble, watch
from scaiflow.sandbox.config import is_loopback
from scaiflow.sandbox.envelope import ApiError, failure
from scaiflow.sandbox.ratelimit import Meter, limit, tell
from scaiflow.sandbox.scaibunker import views as scaibunker
from scaiflow.sandbox.scaigrid import chat, cores, hooks, models, publishing, runs
from scaiflow.sandbox.scaikey import directory, edits
from scaiflow.sandbox.scaikey import views as scaikey
from scaiflow.sandbox.scaikey.oauth import authorization_server
from scaiflow.sandbox.scaiqueue import views as scaiqueue
from scaiflow.sandbox.state import Sandbox, current

_MODULES = (
    pages,
    controls,
    watch,
    trouble,
    scaikey,
    directory,
    edits,
    cores,
    publishing,
    runs,
    hooks,
    models,
    chat,
    scaiqueue,
    scaibunker,
    scaivault,
)
_HALF = re.compile("[\ud800-\udfff]")
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"


def create_app(sandbox: Sandbox) -> Flask:
    """All services of one sandbox."""
    app = Flask(__name__)
    app.extensions["sandbox"] = sandbox
    app.extensions["authorization_server"] = authorization_server(app, sandbox)
    app.jinja_options = {"finalize": _writable}
    app.jinja_env.filters["json"] = _readable
    for module in _MODULES:
        app.register_blueprint(module.blueprint)
    app.register_error_handler(ApiError, failure)
    app.register_error_handler(HTTPException, _http_error)
    meter = Meter()
    app.before_request(_refuse_strangers)
    app.before_request(_misbehave)
    app.before_request(lambda: limit(meter))
    app.after_request(_harden)
    return app


def _readable(value: object) -> str:
    """JSON for people; the templates escape it like any text."""
    return json.dumps(value, ensure_ascii=False)


def _writable(value: object) -> object:
    """Half of a surrogate pair, which JSON can carry into a run and no page can be encoded with, as the sign for it."""
    return _HALF.sub("\ufffd", value) if isinstance(value, str) and _HALF.search(value) else value


def _http_error(error: HTTPException) -> Response:
    """Routes and methods that do not exist, in the services' own words."""
    code = (error.name or "ERROR").upper().replace(" ", "_")
    return failure(ApiError(error.code or 500, code, error.description or error.name))


def _refuse_strangers() -> None:
    """The controls need no credential, so a page of another site must not be able to press them.

    Neither by a form of its own, nor by a name of its own that leads to this machine (DNS rebinding).
    """
    if is_loopback(current().config.host) and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        raise ApiError(421, "MISDIRECTED", "this sandbox answers to loopback names only")
    origin = request.headers.get("Origin")
    pressing = request.method != "GET" and request.path.startswith("/sandbox")
    if origin and pressing and urlsplit(origin).netloc != request.host:
        raise ApiError(403, "FOREIGN_ORIGIN", "the controls answer the sandbox's own pages only")


def _misbehave() -> None:
    """The switches that slow down or break the services (never the controls, the pages and the sign-in)."""
    switches = current().switches
    if not request.path.startswith(("/v1", "/api")):
        return
    if switches.latency_ms:
        time.sleep(switches.latency_ms / 1000)
    if switches.fail_status and request.path.startswith(switches.fail_prefix):
        raise ApiError(switches.fail_status, "SANDBOX_FAILURE", "a switch of the sandbox makes this call fail")


def _harden(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    # Not no-referrer: browsers then send `Origin: null` with our own forms, which `_refuse_strangers` refuses.
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    # No form-action: browsers apply it to the redirect behind a form too, which leads to the client's own address.
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    tell(response)
    response.headers["X-Sandbox"] = "development aid"
    return response
