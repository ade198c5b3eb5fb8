"""The ScaiGrid credential of a deploy, or the documented refusal."""

from __future__ import annotations

from tenants.operations import credentials
from tenants.operations.credentials import FIX, Credential, MissingCredentials

__all__ = ["FIX", "MissingScaiGridCredentials", "required_credential"]


class MissingScaiGridCredentials(MissingCredentials):
    """There is no usable ScaiGrid credential for this tenant."""

    error = "missing_scaigrid_credentials"


def required_credential(*, tenant_id: str, token: str | None) -> Credential:
    """Raises MissingScaiGridCredentials."""
    return credentials.required_credential(tenant_id=tenant_id, token=token, refusal=MissingScaiGridCredentials)
