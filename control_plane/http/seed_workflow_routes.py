"""The seed's routes of workflows, which later clients call agents."""

from __future__ import annotations

from typing import Any

from tabkeep.v1 import workflows_pb2 as pb

from control_plane.http import seed_filters, seed_schemas, seed_workflows
from control_plane.http.endpoint import Ask, Resource
from control_plane.http.seed_answers import key_of, listed, operation
from control_plane.http.seed_body import Body
from control_plane.http.seed_queries import PAGING, paging, query_number

_SERVICE = "tabkeep.v1.WorkflowService/"
_MOST_VERSIONS = 2**31 - 1


def resources() -> list[Resource]:
    """The routes, under both names."""
    return [resource for family in ("workflows", "agents") for resource in _family(family)]


def _family(family: str) -> list[Resource]:
    one = seed_schemas.WORKFLOW
    return [
        Resource(
            f"/v1/{family}",
            GET=operation(
                _list, "List workflows, newest first, a page at a time.", seed_schemas.array(one),
                query=seed_filters.WORKFLOWS,
            ),
            POST=operation(_create, "Store a workflow.", one, body=seed_schemas.DEFINITION, refused=(409, 503)),
        ),
        Resource(
            f"/v1/{family}/{{workflow_id}}",
            GET=operation(
                _get, "Get a workflow: its newest version, or another.", one, refused=(404,),
                query=(("version", {"type": "integer", "minimum": 1, "maximum": _MOST_VERSIONS}),),
            ),
            POST=operation(
                _update, "Store a workflow's next version.", one, body=seed_schemas.DEFINITION, refused=(404, 409, 503)
            ),
        ),
        Resource(
            f"/v1/{family}/{{workflow_id}}/versions",
            GET=operation(
                _versions, "List a workflow's versions, newest first.", seed_schemas.array(one), refused=(404,),
                query=PAGING,
            ),
        ),
        Resource(
            f"/v1/{family}/{{workflow_id}}/delete",
            POST=operation(_delete, "Delete a workflow.", seed_schemas.NULL, refused=(404, 503)),
        ),
    ]  # fmt: skip


async def _create(ask: Ask) -> Any:
    body = Body(ask.json())
    workflow_id = body.text("workflow_id", 100)
    request = pb.CreateWorkflowRequest(
        definition=seed_workflows.definition(body), workflow_id=workflow_id, request_id=key_of(ask)
    )
    return seed_workflows.workflow((await ask.call(_SERVICE + "CreateWorkflow", request)).workflow)


async def _get(ask: Ask) -> Any:
    version = query_number(ask, "version", 0, 1, _MOST_VERSIONS)
    return seed_workflows.workflow(await _version(ask, version))


async def _version(ask: Ask, version: int) -> pb.Workflow:
    """A version of the workflow that the path names; 0 is the newest."""
    request = pb.GetWorkflowRequest(workflow_id=ask.path["workflow_id"], version=version)
    found: pb.Workflow = (await ask.call(_SERVICE + "GetWorkflow", request)).workflow
    return found


async def _versions(ask: Ask) -> Any:
    skip, size = paging(ask, 100)  # the published clients turn no pages here
    newest = await _version(ask, 0)
    numbers = range(newest.version, 0, -1)[skip : skip + size]
    return [seed_workflows.workflow(await _version(ask, number)) for number in numbers]


async def _list(ask: Ask) -> Any:
    request = pb.ListWorkflowsRequest()
    asked_for = seed_filters.of_workflows(ask)
    found = await listed(ask, _SERVICE + "ListWorkflows", request, "workflows", *paging(ask), only=asked_for)
    return [seed_workflows.workflow(workflow) for workflow in found]


async def _update(ask: Ask) -> Any:
    text = seed_workflows.definition(Body(ask.json()))
    request = pb.UpdateWorkflowRequest(workflow_id=ask.path["workflow_id"], definition=text)
    return seed_workflows.workflow((await ask.call(_SERVICE + "UpdateWorkflow", request)).workflow)


async def _delete(ask: Ask) -> Any:
    await ask.call(_SERVICE + "DeleteWorkflow", pb.DeleteWorkflowRequest(workflow_id=ask.path["workflow_id"]))
