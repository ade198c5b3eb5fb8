from __future__ import annotations

from flows.models.acls import FlowACL
from flows.models.deployments import Deployment
from flows.models.documents import DocumentUpdate, FlowDocument
from flows.models.flows import Flow
from flows.models.jobs import Job
from flows.models.versions import FlowVersion

__all__ = ["Deployment", "DocumentUpdate", "Flow", "FlowACL", "FlowDocument", "FlowVersion", "Job"]
