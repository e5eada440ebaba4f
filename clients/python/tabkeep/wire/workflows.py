"""Workflows."""

from __future__ import annotations

from tabkeep.records.workflows import Workflow, WorkflowParameter
from tabkeep.v1 import workflows_pb2
from tabkeep.wire.values import timestamp


def workflow(message: workflows_pb2.Workflow) -> Workflow:
    """Return one version of a workflow."""
    return Workflow(
        workflow_id=message.workflow_id,
        organization_id=message.organization_id,
        version=message.version,
        title=message.title,
        definition=message.definition,
        parameters=tuple(WorkflowParameter(p.name, p.type, p.required, p.description) for p in message.parameters),
        create_time=timestamp(message.create_time),
        update_time=timestamp(message.update_time),
    )
