"""The names under which changes to people, roles and credentials stand in the audit log."""

from __future__ import annotations

from scaiflow.kit.audit import register

CREDENTIAL_SET = register("credential.set")
CREDENTIAL_DELETED = register("credential.deleted")
SECRETS_ROTATED = register("secrets.rotated")
ROLE_GRANTED = register("role.granted", is_of_access=True)
ROLE_REVOKED = register("role.revoked", is_of_access=True)
MIRROR_SYNCED = register("mirror.synced", is_of_access=True)
USER_MIRRORED = register("user.mirrored", is_of_access=True)
GROUP_MIRRORED = register("group.mirrored", is_of_access=True)
MEMBERSHIP_MIRRORED = register("membership.mirrored", is_of_access=True)
SIGNED_IN = register("browser.signed_in")
SIGNED_OUT = register("browser.signed_out")
SESSIONS_FORGOTTEN = register("sessions.forgotten")
SYSTEM = "system"
