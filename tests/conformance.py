"""Every answer that a test gets is held against the OpenAPI document: a status that it does not name, or a body of another
shape, fails the test that saw it."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import jsonschema_rs

from scaiflow.console.reference.document import document

Schema = dict[str, Any]


@functools.cache
def parsed() -> Schema:
    return json.loads(document())


def check(method: str, route: str, status: int, content_type: str, raw: bytes) -> None:
    """Raises AssertionError. `route` is Django's: `api/v1/flows/<id:flow_id>`."""
    calls = parsed()["paths"].get("/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route))
    call = calls and calls.get(method.lower())
    if not call:
        return  # a page, an unknown road, or a method that is not there: others tell of these
    answers = call["responses"]
    assert str(status) in answers, (
        f"{method} {route} answered {status}, which its entry in calls does not name: {raw!r}"
    )
    if status == 429:
        return  # an upstream's body may be anything
    content = resolved(answers[str(status)]).get("content", {})
    media = content.get(content_type.partition(";")[0])
    assert media is not None or not raw, (
        f"{method} {route} answered {status} as {content_type!r}; told are {list(content)}"
    )
    if media and "json" in content_type:
        problems = [error.message for error in validator(json.dumps(media["schema"])).iter_errors(json.loads(raw))]
        assert not problems, f"{method} {route} answered {status} otherwise than told: {problems[:3]}"


def resolved(part: Schema) -> Schema:
    reference = part.get("$ref")
    return parsed()["components"]["responses"][reference.rpartition("/")[2]] if reference else part


@functools.cache
def validator(schema: str) -> Any:
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": parsed()["components"]})
