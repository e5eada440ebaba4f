"""The seed's routes of workflows, which later clients call agents."""

from __future__ import annotations

from typing import Any

from tabkeep.v1 import workflows_pb2 as pb

from control_plane.http import seed_schemas, seed_workflows
from control_plane.http.endpoint import Ask, Resource
from control_plane.http.seed_answers import PAGING, key_of, listed, operation, paging
from control_plane.http.seed_body import Body

_SERVICE = "tabkeep.v1.WorkflowService/"


def resources() -> list[Resource]:
    """The routes, under both names."""
    return [resource for family in ("workflows", "agents") for resource in _family(family)]


def _family(family: str) -> list[Resource]:
    one = seed_schemas.WORKFLOW
    return [
        Resource(
            f"/v1/{family}",
            GET=operation(
                _list, "List workflows, newest first, a page at a time.", seed_schemas.array(one), query=PAGING
            ),
            POST=operation(_create, "Store a workflow.", one, body=seed_schemas.DEFINITION, refused=(409, 503)),
        ),
        Resource(
            f"/v1/{family}/{{workflow_id}}",
            GET=operation(_get, "Get a workflow's newest version.", one, refused=(404,)),
            POST=operation(
                _update, "Store a workflow's next version.", one, body=seed_schemas.DEFINITION, refused=(404, 409, 503)
            ),
        ),
        Resource(
            f"/v1/{family}/{{workflow_id}}/delete",
            POST=operation(_delete, "Delete a workflow.", seed_schemas.NULL, refused=(404, 503)),
        ),
    ]


async def _create(ask: Ask) -> Any:
    body = Body(ask.json())
    workflow_id = body.text("workflow_id", 100)
    request = pb.CreateWorkflowRequest(
        definition=seed_workflows.definition(body), workflow_id=workflow_id, request_id=key_of(ask)
    )
    return seed_workflows.workflow((await ask.call(_SERVICE + "CreateWorkflow", request)).workflow)


async def _get(ask: Ask) -> Any:
    request = pb.GetWorkflowRequest(workflow_id=ask.path["workflow_id"])
    return seed_workflows.workflow((await ask.call(_SERVICE + "GetWorkflow", request)).workflow)


async def _list(ask: Ask) -> Any:
    request = pb.ListWorkflowsRequest()
    found = await listed(ask, _SERVICE + "ListWorkflows", request, "workflows", *paging(ask))
    return [seed_workflows.workflow(workflow) for workflow in found]


async def _update(ask: Ask) -> Any:
    text = seed_workflows.definition(Body(ask.json()))
    request = pb.UpdateWorkflowRequest(workflow_id=ask.path["workflow_id"], definition=text)
    return seed_workflows.workflow((await ask.call(_SERVICE + "UpdateWorkflow", request)).workflow)


async def _delete(ask: Ask) -> Any:
    await ask.call(_SERVICE + "DeleteWorkflow", pb.DeleteWorkflowRequest(workflow_id=ask.path["workflow_id"]))
