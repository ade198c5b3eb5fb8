"""The names under which changes to flows stand in the audit log."""

from __future__ import annotations

from scaiflow.kit.audit import register

FLOW_CREATED = register("flow.created")
FLOW_CHANGED = register("flow.changed")
FLOW_EDITED_LIVE = register("flow.edited_live")
FLOW_DELETED = register("flow.deleted", is_of_access=True)
FLOW_RESTORED = register("flow.restored")
FLOW_OWNER_CHANGED = register("flow.owner_changed", is_of_access=True)
VERSION_LABELLED = register("flow.version_labelled")
FLOW_DEPLOYED = register("flow.deployed")
FLOW_TESTED = register("flow.tested")
ACL_GRANTED = register("acl.granted", is_of_access=True)
ACL_CHANGED = register("acl.changed", is_of_access=True)
ACL_REVOKED = register("acl.revoked", is_of_access=True)
JOB_STARTED = register("job.started")
JOB_CANCELLED = register("job.cancelled")
JOB_ENDED = register("job.ended")
JOBS_FORGOTTEN = register("jobs.forgotten")
