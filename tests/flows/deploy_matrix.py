"""The matrix of errors of a deploy as a table: what there is before, which call fails and how, every call that is made, and
what the caller is told. (spec: api.md, Deploy; upstreams.md, ScaiGrid and ScaiQueue)

Each flow of it declares a queue and wants to be a model, so that behind every call but the last there would be another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.flows.deploying import CORES, QUEUES, REVIEW, TOPOLOGY, failure
from tests.loopback import Told

CONTENT: dict[str, Any] = {"config": {"scaiqueue": TOPOLOGY, "publish_as_model": True}}
SCOPES, MAKE_SCOPE = f"GET {QUEUES}/scopes", f"POST {QUEUES}/scopes"
LOOK, MAKE_QUEUE = f"GET {QUEUES}/scopes/sc_1/queues", f"POST {QUEUES}/scopes/sc_1/queues"
CREATE, FIND, UPDATE, READ = f"POST {CORES}", f"GET {CORES}", f"PUT {CORES}/core_1", f"GET {CORES}/core_1"
PUBLISH, UNPUBLISH = f"POST {CORES}/core_1/publish", f"POST {CORES}/core_1/unpublish"
THERE = [SCOPES, LOOK]

BROKEN = Told(200, b"cut", {"Content-Length": "5000", "Connection": "close"})
ELSEWHERE = Told(302, None, {"Location": "http://127.0.0.1:1/"})
PAGE, ENDLESS, NAMELESS = Told(200, b"<html>"), Told(201, b" " * (11 * 1024 * 1024)), Told(201, {"data": {}})
TAKEN, GONE = failure(409, "SLUG_CONFLICT"), failure(404, "NOT_FOUND")
NO_SCOPE, NO_QUEUE = Told(200, {"data": [{"id": "sc_0", "slug": "another"}]}), Told(200, {"data": []})
FOUND, NOT_FOUND = Told(200, {"data": [{"id": "core_1", "slug": "greeting"}]}), Told(200, {"data": []})
PUBLISHED_ALREADY = failure(400, "BAD_REQUEST", "Core is already published")
OTHER_MODE = Told(200, {"data": [{"id": "q_1", **REVIEW, "consumer_mode": "priority"}]})
OTHER_RETRIES = Told(201, {"data": {"id": "q_1", **REVIEW, "max_retries": 9}})
# No text: neither UTF-8 nor free of NUL.
RAW = b'\xff\xfe\x00{"slow":  "down"}\x80\r\n'
LIMIT_HEADERS = {
    "Retry-After": "7", "X-Scaigrid-Ratelimit-Limit": "60", "X-Scaigrid-Ratelimit-Remaining": "0",
    "X-Scaigrid-Ratelimit-Reset": "1764131400", "Content-Type": "application/octet-stream",
}  # fmt: skip
LIMITED = Told(429, RAW, LIMIT_HEADERS | {"X-Internal": "not the caller's", "Set-Cookie": "a=b"})

Detail = dict[str, Any]
Ways = dict[str, tuple[Told, Detail]]


@dataclass
class Row:
    """`answers` are those that differ from a ScaiGrid that says yes to everything; `detail` is what a 502 says, and empty
    for a 429. `before` is None for a flow that was never deployed, else what was answered otherwise when it was."""

    road: list[str]
    answers: dict[str, Told]
    detail: Detail = field(default_factory=dict)
    before: dict[str, Told] | None = None
    body: dict[str, Any] = field(default_factory=dict)
    records: int = 0  # that the failing deploy leaves


def rows(name: str, ways: Ways, road: list[str], answers: dict[str, Told] | None = None, **more: Any) -> dict[str, Row]:
    """What goes wrong goes wrong at the last call of the road, in each of these ways and with a 429."""
    at_scaiqueue = {"scope": "support", "queue": more.pop("queue", None)} if QUEUES in road[-1] else {}
    return {
        f"{name}: {way}": Row(road, (answers or {}) | {road[-1]: told}, detail and {**detail, **at_scaiqueue}, **more)
        for way, (told, detail) in {**ways, "429": (LIMITED, {})}.items()
    }


AUTH = {
    "error": "scaiqueue_auth", "message": "upstream words",
    "fix": "Caller needs scaiqueue:manage to provision missing scopes/queues.",
}  # fmt: skip
FAILED = {"error": "scaiqueue_provision_failed"}
QUEUE: Ways = {
    "401": (failure(401), AUTH), "403": (failure(403), AUTH), "a page": (PAGE, FAILED), "breaks off": (BROKEN, FAILED),
    "500": (failure(500), FAILED | {"message": "upstream words"}),
}  # fmt: skip
MAKE: Ways = QUEUE | {"refused": (failure(400, "BAD_SLUG"), FAILED), "nameless": (NAMELESS, FAILED)}

GRID_AUTH = {"error": "scaigrid_auth", "fix": "Caller needs the `scaicore:manage` permission on this tenant."}
COMPILE, REFUSED = {"error": "scaicore_compile_failed"}, {"error": "scaicore_create_failed"}
CORE: Ways = {
    "401": (failure(401), GRID_AUTH | {"status": 401}),
    "403": (failure(403), GRID_AUTH | {"status": 403, "message": "upstream words"}),
    "does not compile": (failure(400, "COMPILE_ERROR"), COMPILE | {"status": 400, "message": "upstream words"}),
    "refused": (failure(422, "VERIFIER_ERROR"), REFUSED | {"status": 422, "message": "upstream words"}),
    "no quota": (failure(402, "QUOTA_EXCEEDED"), REFUSED | {"status": 402}),
    "fails": (Told(503, b"oops"), REFUSED | {"status": 503}),
    "redirects": (ELSEWHERE, REFUSED | {"status": None}),
    "breaks off": (BROKEN, REFUSED | {"status": None}),
}
LIST: Ways = {"403": CORE["403"], "breaks off": CORE["breaks off"], "500": (failure(500), REFUSED | {"status": 500})}
FOUND_ONE: Ways = {way: CORE[way] for way in ("403", "refused")}

NOT_PUBLIC = {"error": "scaicore_publish_failed", "core_id": "core_1"}
PUBLIC: Ways = {
    "403": (failure(403), NOT_PUBLIC | {"status": 403, "message": "upstream words"}),
    "500": (failure(500), NOT_PUBLIC | {"status": 500}),
    "breaks off": (BROKEN, NOT_PUBLIC | {"status": None}),
}
PRIVATE: dict[str, Any] = {"body": {"publish_as_model": False}, "records": 1}
ONCE: dict[str, Any] = {"before": {}}
HALF: dict[str, Any] = {"before": {PUBLISH: failure(500)}}

ROWS: dict[str, Row] = {
    **rows("scopes", QUEUE | {"redirects": (ELSEWHERE, FAILED)}, [SCOPES]),
    **rows("new scope", MAKE, [SCOPES, MAKE_SCOPE], {SCOPES: NO_SCOPE}),
    "taken scope: not to be seen": Row([SCOPES, MAKE_SCOPE, SCOPES], {SCOPES: NO_SCOPE, MAKE_SCOPE: TAKEN}, FAILED),
    **rows("queues", QUEUE | {"another mode": (OTHER_MODE, FAILED)}, THERE, queue="review"),
    **rows("new queue", MAKE | {"other retries": (OTHER_RETRIES, FAILED)}, [*THERE, MAKE_QUEUE], {LOOK: NO_QUEUE},
           queue="review"),
    "taken queue: not to be seen": Row([*THERE, MAKE_QUEUE, LOOK], {LOOK: NO_QUEUE, MAKE_QUEUE: TAKEN}, FAILED),
    **rows("create", CORE, [*THERE, CREATE]),
    "create: nameless": Row([*THERE, CREATE], {CREATE: NAMELESS}, REFUSED | {"status": None}),
    "create: without end": Row([*THERE, CREATE], {CREATE: ENDLESS}, REFUSED | {"status": None}),
    **rows("find", LIST, [*THERE, CREATE, FIND], {CREATE: TAKEN}),
    "find: nothing": Row([*THERE, CREATE, FIND], {CREATE: TAKEN, FIND: NOT_FOUND}, REFUSED | {"status": 409}),
    **rows("update of what was found", FOUND_ONE, [*THERE, CREATE, FIND, UPDATE], {CREATE: TAKEN, FIND: FOUND}),
    **rows("update", CORE, [*THERE, UPDATE], **ONCE),
    **rows("create anew", FOUND_ONE, [*THERE, UPDATE, CREATE], {UPDATE: GONE}, **ONCE),
    **rows("publish", PUBLIC, [*THERE, CREATE, PUBLISH], records=1),
    "publish: no slug": Row([*THERE, CREATE, PUBLISH], {PUBLISH: NAMELESS}, NOT_PUBLIC | {"status": None}, records=1),
    **rows("publish of an update", PUBLIC, [*THERE, UPDATE, PUBLISH], **ONCE, records=1),
    **rows("look at what is public", PUBLIC, [*THERE, CREATE, PUBLISH, READ], {PUBLISH: PUBLISHED_ALREADY}, records=1),
    **rows("un-publish", PUBLIC, [*THERE, UPDATE, UNPUBLISH], **ONCE, **PRIVATE),
    **rows("look at what may be public", PUBLIC, [*THERE, UPDATE, READ], **HALF, **PRIVATE),
}  # fmt: skip

# Where nothing fails: the calls that each of these roads would have gone on with.
MADE = {MAKE_SCOPE: Told(201, {"data": {"id": "sc_1"}}), MAKE_QUEUE: Told(201, {"data": {"id": "q_1", **REVIEW}})}
WELL: dict[str, Row] = {
    "found": Row([*THERE, CREATE, PUBLISH], {}),
    "made": Row([SCOPES, MAKE_SCOPE, LOOK, MAKE_QUEUE, CREATE, PUBLISH], {SCOPES: NO_SCOPE, LOOK: NO_QUEUE, **MADE}),
    "taken": Row([*THERE, CREATE, FIND, UPDATE, PUBLISH], {CREATE: TAKEN, FIND: FOUND}),
    "again": Row([*THERE, UPDATE, PUBLISH], {}, **ONCE),
    "anew": Row([*THERE, UPDATE, CREATE, PUBLISH], {UPDATE: GONE}, **ONCE),
    "not public any more": Row([*THERE, UPDATE, UNPUBLISH], {}, **ONCE, **PRIVATE),
    "left half-way": Row(
        [*THERE, UPDATE, READ, UNPUBLISH], {READ: Told(200, {"data": {"published_slug": "a/b"}})}, **HALF, **PRIVATE
    ),
}  # fmt: skip
