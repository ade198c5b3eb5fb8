"""Stand-ins for who watches an installation: an OpenTelemetry collector and a Sentry, both over real HTTP on loopback."""

from __future__ import annotations

import gzip
import json
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.loopback import Asked, Service, Told


class Collector(Service):
    """`spans` are all that came, as `(service, span)`."""

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        return Told(200, b"", {"Content-Type": "application/x-protobuf"})

    @property
    def spans(self) -> list[tuple[str, Any]]:
        found = []
        for asked in self.calls("POST", "/v1/traces"):
            told = ExportTraceServiceRequest.FromString(plain(asked))
            for group in told.resource_spans:
                service = next(one.value.string_value for one in group.resource.attributes if one.key == "service.name")
                found += [(service, span) for scope in group.scope_spans for span in scope.spans]
        return found


class Sentry(Service):
    """`events` are the bugs that were reported."""

    def answer(self, asked: Asked) -> Told:
        self.asked.append(asked)
        return Told(200, {"id": "0" * 32})

    @property
    def dsn(self) -> str:
        return f"{self.url.replace('://', '://public@')}/1"

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = [line for asked in self.calls("POST") for line in plain(asked).split(b"\n") if line.startswith(b"{")]
        return [found for line in lines if "exception" in (found := json.loads(line))]


def plain(asked: Asked) -> bytes:
    headers = {name.lower(): value for name, value in asked.headers.items()}
    return gzip.decompress(asked.body) if headers.get("content-encoding") == "gzip" else asked.body
