"""Calls about workflows."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tabkeep import wire
from tabkeep.client.connection import PAGE_SIZE, Connection, new_request_id
from tabkeep.records.workflows import Workflow
from tabkeep.v1 import workflows_pb2


class WorkflowCalls(Connection):
    """Calls about workflows."""

    async def create_workflow(
        self, definition: str, *, workflow_id: str | None = None, request_id: str | None = None
    ) -> Workflow:
        """Store a definition (YAML or JSON) as version 1 of a new workflow.

        Raises:
            InvalidArgument: `field_violations` have the line and path of each mistake.
            WorkflowExists: the `workflow_id` is taken.
        """
        request = workflows_pb2.CreateWorkflowRequest(
            definition=definition, workflow_id=workflow_id or "", request_id=request_id or new_request_id()
        )
        answer = await self._calls.unary(
            "WorkflowService/CreateWorkflow", request, workflows_pb2.CreateWorkflowResponse
        )
        return wire.workflow(answer.workflow)

    async def get_workflow(self, workflow_id: str, *, version: int | None = None) -> Workflow:
        """Return one version of a workflow, the newest one unless told.

        Raises:
            NotFound: no such workflow or version in the caller's organization.
        """
        request = workflows_pb2.GetWorkflowRequest(workflow_id=workflow_id, version=version or 0)
        answer = await self._calls.unary("WorkflowService/GetWorkflow", request, workflows_pb2.GetWorkflowResponse)
        return wire.workflow(answer.workflow)

    async def list_workflows(self, *, page_size: int = PAGE_SIZE) -> AsyncIterator[Workflow]:
        """Yield the newest version of each of the organization's workflows, newest workflow first."""
        request = workflows_pb2.ListWorkflowsRequest(page_size=page_size)
        while True:
            page = await self._calls.unary(
                "WorkflowService/ListWorkflows", request, workflows_pb2.ListWorkflowsResponse
            )
            for workflow in page.workflows:
                yield wire.workflow(workflow)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def update_workflow(
        self, workflow_id: str, definition: str, *, expected_version: int | None = None
    ) -> Workflow:
        """Store a definition as the next version; runs that have begun keep theirs.

        With `expected_version` it replaces that version and no other, and the call is repeated when the connection
        breaks. Without, it is not: a second try could store the same definition twice.

        Raises:
            VersionConflict: `expected_version` is not the newest, perhaps because a first try did store it.
            InvalidArgument: `field_violations` have the line and path of each mistake.
        """
        request = workflows_pb2.UpdateWorkflowRequest(
            workflow_id=workflow_id, definition=definition, expected_version=expected_version or 0
        )
        answer = await self._calls.unary(
            "WorkflowService/UpdateWorkflow",
            request,
            workflows_pb2.UpdateWorkflowResponse,
            safe=bool(expected_version),
        )
        return wire.workflow(answer.workflow)

    async def delete_workflow(self, workflow_id: str) -> None:
        """Delete a workflow: it takes no more runs.

        Raises:
            NotFound: no such workflow, or it was deleted before, perhaps by a first try of this call.
        """
        request = workflows_pb2.DeleteWorkflowRequest(workflow_id=workflow_id)
        await self._calls.unary("WorkflowService/DeleteWorkflow", request, workflows_pb2.DeleteWorkflowResponse)
