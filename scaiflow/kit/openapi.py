"""The OpenAPI document, made from the tables on the views: `calls` (kit/calls.py), `permissions` and `levels`.

What can go wrong follows from the same tables and from the error tree, so that none is forgotten: a right that is asked
for may be missing, a path may lead nowhere, a body may have the wrong shape. `manage.py spectacular` writes the document;
a view without an entry stops it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import ListSerializer

from scaiflow.kit.calls import NOBODY, Call, Raw
from scaiflow.kit.errors import (
    AppError,
    Failure,
    NotAllowed,
    NotFound,
    PassedThrough,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from scaiflow.kit.rights import ANY
from scaiflow.kit.shapes import Text
from scaiflow.kit.views import PublicView

Schema = dict[str, Any]
# What `str.strip` leaves nothing of is blank here; the \s of other languages knows not all of these.
NOT_BLANK = r"[^\s\x1c-\x1f\x85]"
WITH_BODY = {"POST", "PUT", "PATCH", "DELETE"}
REFUSAL, PROBLEMS, FAILURE = "Refusal", "Problems", "Failure"
HEADERS = {
    "If-Match": "The ETag that you read. Answered 412 when somebody saved meanwhile; nothing is changed then.",
    "If-None-Match": "The ETag that you have. Answered 304 when it is still the newest.",
    "Idempotency-Key": "1 to 255 printable ASCII characters. The same key and body again: the same job.",
    "Last-Event-ID": "The id of the last event that you have seen; the stream goes on behind it.",
    "Prefer": "`respond-async` answers 202 at once with the place of the job.",
    "X-Scaikey-Timestamp": "Unix time of the signature; at most 300 s off.",
}
# Standing answers, kept once under components/responses: status -> (name there, what is said of it, kind).
STANDING = {
    400: ("BadRequest", "The Host is not one that this server answers to", REFUSAL),
    401: ("Unauthorized", "No token, or one that is not good", REFUSAL),
    403: ("Forbidden", "A permission, a level or a role is missing; the text names it", REFUSAL),
    404: ("NotFound", "Not there, or not yours to see", REFUSAL),
    405: ("MethodNotAllowed", "There is no such method on this path", REFUSAL),
    413: ("ContentTooLarge", "The body, or the document in it, is over its limit", REFUSAL),
    422: ("Unprocessable", "The request has the wrong shape; each problem says where", PROBLEMS),
    500: ("InternalError", "A bug of ours; tell us the request id", FAILURE),
    503: ("Unavailable", "A part that this server stands on is down; try again after `Retry-After`", FAILURE),
}
EVERYWHERE = (400, 405, 500, 503)


class Undescribed(Exception):
    """A view answers a method, or raises an error, of which nothing is told."""


class TableSchema(AutoSchema):
    """drf-spectacular's inspector, told by our tables instead of guessing."""

    @property
    def call(self) -> Call:
        """Raises Undescribed."""
        calls: dict[str, Call] = getattr(self.view, "calls", {})
        if self.method not in calls:
            raise Undescribed(f"{self.method} {self.path}: {type(self.view).__name__}.calls has no entry for it")
        return calls[self.method]

    def get_operation_id(self) -> str:
        return self.call.name

    def get_summary(self) -> str:
        return self.call.summary

    def get_description(self) -> str:  # type: ignore[override]
        needed = rights_of(self.view)[self.method]
        level = getattr(self.view, "levels", {}).get(self.method)
        words = (
            []
            if isinstance(self.view, PublicView)
            else [f"Needs {'any valid token' if needed == ANY else f'`{needed}`'}"]
        )
        return " and ".join([*words, *([f"the level `{level.word}` on the flow"] if level else [])]) + (
            "." if words else ""
        )

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").removeprefix("/api/").split("/")[0]]

    def is_deprecated(self) -> bool:
        return self.call.deprecated

    def get_auth(self) -> list[Schema]:
        proof = self.call.proof if not isinstance(self.view, PublicView) or self.call.proof != "bearer" else NOBODY
        return [{proof: []}] if proof else []

    def get_override_parameters(self) -> list[Any]:
        return [*([self.call.query] if self.call.query else []), *map(_header, self.call.headers)]

    def _get_parameters(self) -> list[Schema]:
        """An empty value in the query string counts as not sent."""
        found: list[Schema] = super()._get_parameters()
        for one in found:
            if one["in"] == "query" and not one.get("required"):
                one["schema"].pop("minLength", None)
                if one["schema"].get("pattern") == NOT_BLANK:
                    del one["schema"]["pattern"]
        return found

    def get_response_serializers(self) -> Any:
        return None if isinstance(self.call.answer, Raw) else self.call.answer

    def _is_list_view(self, serializer: Any = None) -> bool:
        return isinstance(serializer, ListSerializer)

    def get_request_serializer(self) -> Any:
        return self.call.body

    def map_parsers(self) -> list[str]:
        return ["application/json"]

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Schema:
        if hasattr(field, "told") and not isinstance(field, Text):
            return dict(field.told)
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if "pattern" in schema:
            schema["pattern"] = schema["pattern"].replace("\\Z", "$")  # Python's own; elsewhere a capital Z
        if direction == "response":
            return {key: value for key, value in schema.items() if key != "minLength"}  # of what is sent to us alone
        if not isinstance(field, Text):
            return dict(schema)
        return {**schema, **({} if field.allow_blank else {"pattern": NOT_BLANK}), **field.told}

    def _get_serializer_field_meta(self, field: Any, direction: str) -> Schema:
        """Without the defaults that only stand for "not sent"."""
        meta: Schema = super()._get_serializer_field_meta(field, direction)  # type: ignore[no-untyped-call]
        return {key: value for key, value in meta.items() if key != "default" or value not in ("", None)}

    def _get_request_body(self, direction: str = "request") -> Schema | None:
        body: Schema | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        if body is None and self.call.body:  # of a serializer without fields drf-spectacular tells nothing
            body = {"content": {"application/json": {"schema": {"type": "object", "additionalProperties": {}}}}}
        if body and self.call.takes:
            body["content"] |= _raw(self.call.takes)
            body.pop("required", None)  # with it, openapi-python-client makes code that does not run of two forms
        return body

    def _postprocess_serializer_schema(self, schema: Schema, serializer: Any, direction: str) -> Schema:
        """A field of an answer is always there, unless it was declared as one that may be missing."""
        if direction == "response" and schema.get("properties"):
            declared = {
                name
                for name, one in serializer._declared_fields.items()  # noqa: SLF001
                if not (one.required or one.read_only)
            }
            schema["required"] = sorted(set(schema["properties"]) - declared)
        done: Schema = super()._postprocess_serializer_schema(schema, serializer, direction)  # type: ignore[no-untyped-call]
        return done

    def _get_response_bodies(self, direction: str = "response") -> Schema:
        good = {self.call.status: self.call.answer, **self.call.also}
        bodies = {str(status): self._good(shape, status) for status, shape in good.items()}
        return bodies | answers_to(errors_of(self.view, self.method, self.path, self.call))

    def _good(self, shape: Any, status: int) -> Schema:
        if isinstance(shape, Raw):
            told: Schema = {"content": _raw(shape)}
        else:
            told = self._get_response_for_code(shape, str(status), ["application/json"])  # type: ignore[no-untyped-call]
        names = [*self.call.told, *(["Location"] if status == 202 else []), "X-Request-ID"]
        if self.call.other and status == self.call.status:
            told["content"] |= _raw(self.call.other)
        told["description"] = self.call.summary
        return told | {"headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names}}


def _header(name: str) -> OpenApiParameter:
    kind = {"type": "string", **({"pattern": "^[ -~]{1,255}$"} if name == "Idempotency-Key" else {})}
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=HEADERS[name])


def _raw(shape: Raw) -> Schema:
    if shape.media_type == "text/event-stream":
        return {shape.media_type: {"schema": {}}}  # a schema here would be one of each event
    # 3.1 would leave both words away; generators of clients still go by `format`.
    kind = {"type": "string", **({"format": "binary"} if shape.binary else {})}
    return {shape.media_type: {"schema": kind}}


def rights_of(view: Any) -> dict[str, str]:
    found: dict[str, str] = view.permissions
    return found


def errors_of(view: Any, method: str, path: str, call: Call) -> Iterator[type[AppError]]:
    """The errors of this call, beyond those that every call has."""
    is_public = isinstance(view, PublicView)
    has_levels = method in getattr(view, "levels", {})
    if not is_public:
        yield Unauthenticated
    if has_levels or (not is_public and rights_of(view)[method] != ANY):
        yield NotAllowed
    if has_levels or "{" in path:
        yield NotFound
    if method in WITH_BODY:
        yield TooLarge
    if call.body or call.query:
        yield Unprocessable
    yield from call.raises


def answers_to(errors: Iterable[type[AppError]]) -> Schema:
    """`{status: response}`: a reference where the standing answer says all, else one with each failure as an example."""
    by_status: dict[int, list[type[AppError]]] = {status: [] for status in EVERYWHERE}
    for error in dict.fromkeys(errors):
        by_status.setdefault(429 if issubclass(error, PassedThrough) else error.status, []).append(error)
    return {str(status): _answer(status, by_status[status]) for status in sorted(by_status)}


def special(status: int, errors: list[type[AppError]]) -> list[type[AppError]]:
    """Those of which the standing answer does not tell already."""
    plain = (AppError, Unauthenticated, NotAllowed, NotFound, TooLarge, Unprocessable, Unavailable)
    return [error for error in errors if error not in plain or status not in STANDING]


def _answer(status: int, raised: list[type[AppError]]) -> Schema:
    errors = special(status, raised)
    if not errors:
        return {"$ref": f"#/components/responses/{STANDING[status][0]}"}
    is_standing = status in EVERYWHERE or len(errors) < len(raised)
    words = [STANDING[status][1]] if is_standing else []
    words += [f"`{named(error)}`: {what_of(error)}" if named(error) else what_of(error) for error in errors]
    kinds = {kind_of(error) for error in errors} | ({STANDING[status][2]} if is_standing else set())
    examples = {named(error): {"value": example_of(error)} for error in errors if named(error)}
    return response(". ".join(words), kinds, examples, is_limited=status in {429, 503})


def response(words: str, kinds: set[str], examples: Schema | None = None, *, is_limited: bool = False) -> Schema:
    """An error's answer. An empty kind is an upstream's body, which may be anything."""
    refs = [{"$ref": f"#/components/schemas/{kind}"} for kind in sorted(kinds) if kind]
    schema = {} if "" in kinds else refs[0] if len(refs) == 1 else {"anyOf": refs}
    media = {"schema": schema, **({"examples": examples} if examples else {})}
    names = ["Retry-After", "X-Request-ID"] if is_limited else ["X-Request-ID"]
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {"description": words, "headers": headers, "content": {"application/json": media, **problem}}


def kind_of(error: type[AppError]) -> str:
    if issubclass(error, PassedThrough):
        return ""
    if issubclass(error, Failure):
        return FAILURE
    return PROBLEMS if issubclass(error, Unprocessable) else REFUSAL


def named(error: type[AppError]) -> str:
    return error.error if issubclass(error, Failure) else ""


def what_of(error: type[AppError]) -> str:
    """The first sentence of its page. Raises Undescribed when it has none of its own."""
    told = vars(error).get("__doc__")
    if not told:
        raise Undescribed(f"{error.__name__} is raised by a call and has no docstring that could be told")
    return " ".join(told.split()).partition(". ")[0].rstrip(".:")


def example_of(error: type[AppError]) -> Schema:
    return {"detail": {"error": named(error), "message": what_of(error)}}
