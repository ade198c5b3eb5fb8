"""Model turns by a real OpenAI-compatible endpoint, when one is configured; else by the stand-in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from scaiflow.sandbox.config import Config
from scaiflow.sandbox.runtime.errors import StepFailed
from scaiflow.sandbox.runtime.services import Model, Turn
from scaiflow.sandbox.runtime.standin.model import StandIn

_SECONDS = 60.0


def model_for(config: Config) -> Model:
    """The model that answers this sandbox's turns."""
    return Endpoint(config) if config.openai_base_url else StandIn()


@dataclass(frozen=True)
class Endpoint:
    """`POST {base}/chat/completions`, asking for one JSON object."""

    config: Config

    def answer(self, turn: Turn) -> dict[str, Any]:
        """The model's object. Raises StepFailed for an endpoint that fails or answers something else."""
        body = {
            "model": self.config.openai_model or str(turn.model.get("model")),
            "messages": [
                {"role": "system", "content": _instructions(turn)},
                {"role": "user", "content": _material(turn)},
            ],
            "temperature": turn.model.get("temperature", 0),
            "response_format": {"type": "json_object"},
        }
        try:
            answer = json.loads(self._post(json.dumps(body).encode()))
            found = json.loads(answer["choices"][0]["message"]["content"])
        except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
            raise StepFailed(f"the model endpoint failed: {type(error).__name__}: {error}") from error
        if not isinstance(found, dict):
            raise StepFailed("the model did not answer with an object")
        return found

    def _post(self, body: bytes) -> bytes:
        parts = urlsplit(str(self.config.openai_base_url))
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
        headers = {"Content-Type": "application/json"}
        if self.config.openai_api_key:
            headers["Authorization"] = f"Bearer {self.config.openai_api_key}"
        try:
            connection.request("POST", f"{parts.path.rstrip('/')}/chat/completions", body=body, headers=headers)
            response = connection.getresponse()
            raw = response.read()
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            return raw
        finally:
            connection.close()


def _instructions(turn: Turn) -> str:
    wanted = json.dumps(turn.schema or {"text": "string"})
    context = turn.model.get("system_context") or ""
    return f"You are {turn.persona}. {context}\n{turn.goal}\n{turn.guidance}\nAnswer with one JSON object: {wanted}"


def _material(turn: Turn) -> str:
    return json.dumps({"input": turn.bindings or turn.input, "context": turn.context, "examples": list(turn.examples)})
