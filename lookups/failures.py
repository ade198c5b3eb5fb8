"""What a service fails at, in the words of the contract: `<service>_auth`, `<service>_api`. (reference: Lookups)"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scaiflow.kit.errors import NotFound, PassedThrough, UpstreamFailure
from scaiflow.upstream.http import Unreachable, UpstreamError
from tenants.operations.credentials import MissingCredentials
from tenants.operations.vault import BadSecretPath


class ServiceRefused(UpstreamFailure):
    """The service does not let this credential do that (401, 403)."""

    error = "scaigrid_auth"

    def __init__(self, service: str, message: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.error = f"{service}_auth"


class ServiceFailed(UpstreamFailure):
    """Any other answer than success. `status` and `code` are the service's; both null when it could not be reached."""

    error = "scaigrid_api"

    def __init__(self, service: str, message: str, *, status: int | None, code: str | None) -> None:
        super().__init__(message, status=status, code=code)
        self.error = f"{service}_api"


# What the views tell of, for the OpenAPI document.
ERRORS = (MissingCredentials, BadSecretPath, ServiceRefused, ServiceFailed, PassedThrough)
PROXIED = (NotFound, *ERRORS)


@contextmanager
def told_as(service: str, *, needs: str) -> Iterator[None]:
    """Raises ServiceRefused, which names the permission that the caller needs there, and ServiceFailed. A 429 passes."""
    try:
        yield
    except UpstreamError as error:
        raise failure_of(service, error, needs=needs) from None
    except Unreachable as error:
        raise ServiceFailed(service, str(error), status=None, code=None) from None


def failure_of(service: str, error: UpstreamError, *, needs: str) -> ServiceRefused | ServiceFailed:
    if not error.is_auth:
        return ServiceFailed(service, error.message, status=error.status, code=error.code)
    fix = f"Caller needs the `{needs}` permission on this tenant."
    message = f"{error.code}: {error.message}" if error.code and error.code not in error.message else error.message
    return ServiceRefused(service, message, fix=fix, status=error.status, code=error.code)
