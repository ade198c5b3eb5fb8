"""`POST /v1/chat/completions`: a published Core, or a model of the catalogue, as a chat partner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response

from scaiflow.sandbox.access import Principal, require
from scaiflow.sandbox.envelope import ApiError, answer, json_object
from scaiflow.sandbox.plugins.openai import model_for
from scaiflow.sandbox.runtime.expressions.values import text_of
from scaiflow.sandbox.runtime.services import Turn
from scaiflow.sandbox.scaigrid import executions
from scaiflow.sandbox.scaigrid.models import catalogue, published_cores
from scaiflow.sandbox.scaigrid.wakeups import sweep
from scaiflow.sandbox.state import current
from scaiflow.sandbox.store import Document

_SPOKEN = ("answer", "reply", "response", "text", "message", "summary")
blueprint = Blueprint("chat", __name__)


@blueprint.post("/v1/chat/completions")
def completions() -> Response:
    """OpenAI's request and answer; `stream: true` answers server-sent events. 404 for a model that nobody knows."""
    caller = require("scaicore:view")
    body = json_object()
    messages = _messages(body)
    slug = str(body.get("model"))
    core = _core(caller, slug)
    if core is not None:
        content = say(core, messages)
    elif slug in {model["slug"] for model in catalogue()}:
        content = _model_says(slug, messages)
    else:
        raise ApiError(404, "MODEL_NOT_FOUND", f"there is no model {slug!r}")
    if body.get("stream"):
        return Response(_stream(current().ids.new("chatcmpl"), slug, content), content_type="text/event-stream")
    return answer(_completion(slug, messages, content))


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise ApiError(422, "VALIDATION_ERROR", "messages must be a list with at least one message")
    return messages


def _core(caller: Principal, slug: str) -> Document | None:
    cores = published_cores(caller)
    names = ("published_slug", "published_model_id")
    return next((core for core in cores if slug in (core.body["metadata"][name] for name in names)), None)


def say(core: Document, messages: list[dict[str, Any]]) -> str:
    """The Core is invoked with the last message of the user; what it answers is put into words."""
    spoken = [text_of(one.get("content")) for one in messages if one.get("role") == "user"]
    input = {"message": spoken[-1] if spoken else "", "messages": messages}
    outcome = executions.begin(current(), core, input, "chat").outcome
    sweep(current())
    if outcome.status == "failed":
        raise ApiError(422, "EXECUTION_FAILED", str(outcome.error))
    if outcome.checkpoint:
        asked = outcome.checkpoint["prompt"] or "A person has to look at this first."
        return f"{asked} (waiting for a decision: {outcome.checkpoint['id']})"
    return next((outcome.output[name] for name in _SPOKEN if isinstance(outcome.output.get(name), str)), None) or (
        json.dumps(outcome.output, ensure_ascii=False)
    )


def _model_says(slug: str, messages: list[dict[str, Any]]) -> str:
    last = text_of(messages[-1].get("content"))
    system = " ".join(text_of(one.get("content")) for one in messages if one.get("role") == "system")
    turn = Turn(system or "You said", "primary", {"model": slug}, "Assistant", {"message": last}, {}, {}, {})
    return str(model_for(current().config).answer(turn).get("text", ""))


def _completion(slug: str, messages: list[dict[str, Any]], content: str) -> dict[str, Any]:
    asked = sum(len(text_of(one.get("content")).split()) for one in messages)
    said = len(content.split())
    return {
        "id": current().ids.new("chatcmpl"),
        "object": "chat.completion",
        "created": int(current().clock.now().timestamp()),
        "model": slug,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }


def _stream(id: str, slug: str, content: str) -> Iterator[str]:
    """Word by word, then the reason why it stops, then `[DONE]`."""
    words = content.split(" ")
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant"}, None)]
    deltas += [({"content": word if at == 0 else f" {word}"}, None) for at, word in enumerate(words)]
    for delta, reason in [*deltas, ({}, "stop")]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunk = {"id": id, "object": "chat.completion.chunk", "model": slug, "choices": [choice]}
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"
