"""The error tree. Just raise: kit/api.py alone turns an error into an answer (and kit/ws.py into a socket's close code).

    AppError                      status  detail
    ├── Unauthenticated           401     text, with WWW-Authenticate: Bearer
    ├── NotAllowed                403     text that names what is missing
    ├── NotFound                  404     text
    │   └── Unseen                404     the same to the caller; a refusal of a right in the audit log
    ├── Conflict                  409     text
    ├── TooLarge                  413     text
    ├── Unprocessable             422     list of {loc, msg, type}
    ├── TooMany                   429     text
    ├── RateLimited               429     text, with Retry-After
    ├── Failure                   400     object: error, message, often fix, and more keys
    │   ├── Precondition          412
    │   ├── UpstreamFailure       502
    │   └── Unavailable           503     with Retry-After
    └── PassedThrough             as the upstream answered, byte for byte

Leaves stand where they are raised (`class StaleVersion(Precondition)` beside the save that refuses it).
Whatever is not in this tree is a bug of ours and answers 500 without a word about itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Detail = str | list[dict[str, Any]] | dict[str, Any]


class AppError(Exception):
    """A failure that the caller is told of. `detail` is what stands in the answer's body under that name."""

    status = 400

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})

    @property
    def detail(self) -> Detail:
        return self.message


class Unauthenticated(AppError):
    status = 401

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"WWW-Authenticate": "Bearer"})


class NotAllowed(AppError):
    status = 403


class NotFound(AppError):
    status = 404


class Unseen(NotFound):
    """It is there, but not for this caller, who must not be able to tell that from its not being there."""


class Conflict(AppError):
    """It cannot be done in the state that things are in."""

    status = 409


class TooLarge(AppError):
    status = 413


class TooMany(AppError):
    """More at once than the limits allow."""

    status = 429


class Unprocessable(AppError):
    """Fields of the wrong shape, in FastAPI's manner: `{"loc": ["body", "name"], "msg": "...", "type": "missing"}`."""

    status = 422

    def __init__(self, problems: Sequence[dict[str, Any]]) -> None:
        super().__init__("; ".join(problem["msg"] for problem in problems))
        self.problems = list(problems)

    @classmethod
    def at(cls, *loc: str | int, msg: str, type: str) -> Unprocessable:
        return cls([{"loc": list(loc), "msg": msg, "type": type}])

    @property
    def detail(self) -> Detail:
        return self.problems


class RateLimited(AppError):
    """Too many requests from one address; `Retry-After` says when to come again."""

    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


class Failure(AppError):
    """A failure with a name for machines. Leaves set `error`; keyword arguments become further keys of the detail."""

    error = "failure"

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(message, headers=headers)
        self.more = more

    @property
    def detail(self) -> Detail:
        return {"error": self.error, "message": self.message, **self.more}


class Precondition(Failure):
    status = 412


class UpstreamFailure(Failure):
    status = 502


class Unavailable(Failure):
    """A part that we stand on is down: `component` is database, broker, storage, scaikey, ..."""

    status = 503
    error = "unavailable"

    def __init__(self, message: str, *, component: str, retry_after: int = 5) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)}, component=component)


class PassedThrough(AppError):
    """An upstream's answer that our caller gets unchanged (429: its body and its rate-limit headers)."""

    def __init__(self, *, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(f"upstream answered {status}", headers=headers)
        self.status = status
        self.body = body
