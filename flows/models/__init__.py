from __future__ import annotations

from flows.models.acls import FlowACL
from flows.models.cores import Core
from flows.models.deployments import Deployment
from flows.models.documents import DocumentUpdate, FlowDocument
from flows.models.flows import Flow
from flows.models.jobs import Job
from flows.models.tags import FlowTag
from flows.models.test_runs import TestRun
from flows.models.versions import FlowVersion

__all__ = [
    "Core",
    "Deployment",
    "DocumentUpdate",
    "Flow",
    "FlowACL",
    "FlowDocument",
    "FlowTag",
    "FlowVersion",
    "Job",
    "TestRun",
]
