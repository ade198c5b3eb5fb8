"""Every page of the console that somebody can open, as roads with the ids of what is there."""

from __future__ import annotations

TABS = (
    "", "/versions", "/compiled", "/compiled?format=ir", "/compiled?format=document", "/deploy", "/jobs", "/tests", "/runs",
    "/access",
)  # fmt: skip
PAGES = (
    "/",
    "/health",
    "/flows",
    "/flows?q=no+such+flow",
    "/flows?show=deleted",
    "/flows/new",
    "/flows/try",
    *("{flow}" + tab for tab in TABS),
    "{flow}?node=node_classify",
    "{flow}/edit",
    "{flow}/diff?from=1.0.0",
    "{flow}/deploy/preview",
    "{job}",
    "{test_run}",
    "{flow}/runs?run=exec_none&state=failed",
    "/runs",
    "/checkpoints",
    "/checkpoints?status=resolved",
    "{checkpoint}",
    "/catalog",
    "/catalog/publish",
    "/catalog/publish?flow={flow_id}",
    "/catalog/publish?document=yes",
    "/catalog/lived-in",
    "/settings",
    "/settings/people",
    "/settings/people?all=yes",
    "/settings/groups",
    "/settings/sync",
    "/settings/webhooks",
    "/settings/audit",
    "/settings/tenants",
    "/settings/resources",
    "/settings/api",
)
