"""The ScaiGrid credential of a deploy, or the documented refusal."""

from __future__ import annotations

from scaiflow.kit.errors import Precondition
from tenants.operations.credentials import Credential, credential_for

FIX = "Sign in with ScaiKey, or set this tenant's API key via POST /v1/tenants/me/scaigrid_credentials."


class MissingScaiGridCredentials(Precondition):
    """There is no usable ScaiGrid credential for this tenant."""

    error = "missing_scaigrid_credentials"


def required_credential(*, tenant_id: str, token: str | None) -> Credential:
    """Raises MissingScaiGridCredentials."""
    found = credential_for(tenant_id=tenant_id, token=token)
    if found is None:
        raise MissingScaiGridCredentials(f"no ScaiGrid credentials for tenant '{tenant_id}'", fix=FIX)
    return found
