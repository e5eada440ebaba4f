"""WorkflowService: convert, move or read, convert back."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import workflows_pb2 as pb
from tabkeep.v1 import workflows_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities.records import Workflow
from control_plane.fields import Fields
from control_plane.interceptors import caller
from control_plane.moves import workflow_moves
from control_plane.page_tokens import PageTokens
from control_plane.store import Tables
from control_plane.wire.request_ids import request_id
from control_plane.workflows import workflow_definitions

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_WORKFLOW_ID = re.compile(r"wf_[a-z0-9_]{1,60}")


class WorkflowService(pb_grpc.WorkflowServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator, page_tokens: PageTokens) -> None:
        self._coordinator = coordinator
        self._database = coordinator.database
        self._page_tokens = page_tokens

    async def CreateWorkflow(self, request: pb.CreateWorkflowRequest, context: Context) -> pb.CreateWorkflowResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        if request.workflow_id and not _WORKFLOW_ID.fullmatch(request.workflow_id):
            fields.wrong("workflow_id", "must be 'wf_' and 1 to 60 lower-case letters, digits or '_'")
        again = request_id(fields, organization_id, "CreateWorkflow", request)
        fields.raise_if_wrong()
        definition = workflow_definitions.parse(request.definition)
        workflow = await self._coordinator.admit(
            workflow_moves.create, organization_id, request.workflow_id, definition.title, request.definition, again
        )
        return pb.CreateWorkflowResponse(workflow=_shown(workflow))

    async def GetWorkflow(self, request: pb.GetWorkflowRequest, context: Context) -> pb.GetWorkflowResponse:
        organization_id = caller.get().organization_id

        def query(tables: Tables) -> Workflow:
            workflow = tables.workflows.get(organization_id, request.workflow_id, request.version)
            if workflow is None:
                raise workflow_moves.not_found(request.workflow_id, request.version)
            return workflow

        return pb.GetWorkflowResponse(workflow=_shown(await self._database.read(query)))

    async def ListWorkflows(self, request: pb.ListWorkflowsRequest, context: Context) -> pb.ListWorkflowsResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        size = fields.page_size(request.page_size)
        position = self._page_tokens.read(fields, request, organization_id)
        fields.raise_if_wrong()
        create_time, _, workflow_id = position.partition(" ")
        before = (create_time, workflow_id) if position else None
        found = await self._database.read(lambda tables: tables.workflows.page(organization_id, before, size + 1))
        last = ""
        if len(found) > size:
            last = f"{found[size - 1].create_time.isoformat(timespec='microseconds')} {found[size - 1].workflow_id}"
        return pb.ListWorkflowsResponse(
            workflows=[_shown(workflow) for workflow in found[:size]],
            next_page_token=self._page_tokens.make(request, organization_id, last),
        )

    async def UpdateWorkflow(self, request: pb.UpdateWorkflowRequest, context: Context) -> pb.UpdateWorkflowResponse:
        definition = workflow_definitions.parse(request.definition)
        workflow = await self._coordinator.admit(
            workflow_moves.update,
            caller.get().organization_id,
            request.workflow_id,
            definition.title,
            request.definition,
            request.expected_version,
        )
        return pb.UpdateWorkflowResponse(workflow=_shown(workflow))

    async def DeleteWorkflow(self, request: pb.DeleteWorkflowRequest, context: Context) -> pb.DeleteWorkflowResponse:
        await self._coordinator.move(workflow_moves.delete, caller.get().organization_id, request.workflow_id)
        return pb.DeleteWorkflowResponse()


def _shown(workflow: Workflow) -> pb.Workflow:
    definition = workflow_definitions.parse(workflow.definition)
    proto = pb.Workflow(
        workflow_id=workflow.workflow_id,
        organization_id=workflow.organization_id,
        version=workflow.version,
        title=workflow.title,
        definition=workflow.definition,
        parameters=[
            pb.WorkflowParameter(
                name=parameter.name, type=parameter.type, required=parameter.required, description=parameter.description
            )
            for parameter in definition.parameters
        ],
    )
    proto.create_time.FromDatetime(workflow.create_time)
    proto.update_time.FromDatetime(workflow.update_time)
    return proto
