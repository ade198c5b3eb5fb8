"""JSON on the wire: strict on the way in (RFC 8259, UTF-8, finite numbers, whole characters), fast on the way out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, NoReturn

import orjson
from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from scaiflow.kit.errors import TooLarge, Unprocessable

MAX_DEPTH = 200


class BadJSON(ValueError):
    """Text that is not JSON, or JSON that could not be given back as it came."""


def loads(raw: bytes) -> Any:
    """Parse one JSON document. Raises BadJSON on anything that would not survive the way out again: NaN and numbers
    too large for a float, half a surrogate pair, and nesting deeper than any reader can be trusted with."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise BadJSON(f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise BadJSON(str(error)) from None
    if b"\\u" in raw or raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_whole(value)
    return value


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON. Whole numbers beyond 64 bits are kept to the last digit."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _refuse_constant(name: str) -> NoReturn:
    raise BadJSON(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise BadJSON(f"the number {digits[:40]} is too large")
    return value


def _check_whole(value: Any) -> None:
    level: Sequence[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, Mapping):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
        if not below:
            return
        level = below
    raise BadJSON(f"nested deeper than {MAX_DEPTH} levels")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadJSON("a text holds half a surrogate pair") from None


class JSONParser(BaseParser):
    """Reads every body as JSON, whatever its Content-Type says; an absent body is an empty object."""

    media_type = "*/*"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        raw = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(raw) > settings.MAX_BODY_BYTES:
            raise TooLarge(f"the body is larger than {settings.MAX_BODY_BYTES} bytes")
        try:
            value = loads(raw) if raw.strip() else {}
        except BadJSON as error:
            raise Unprocessable.at("body", msg=f"JSON decode error: {error}", type="json_invalid") from None
        if not isinstance(value, dict):
            raise Unprocessable.at("body", msg="Input should be a valid object", type="model_attributes_type")
        return value


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else dumps(data)


class AlwaysJSON(BaseContentNegotiation):
    """There is one form of answer; what a client says it accepts never makes a request fail."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
