"""The compatible API's routes of workflows, which later clients call agents."""

from __future__ import annotations

from typing import Any

from tabkeep.v1 import workflows_pb2 as pb

from control_plane.http.compatible import filters, schemas, workflow_json
from control_plane.http.compatible.body import Body
from control_plane.http.compatible.operations import key_of, listed, operation
from control_plane.http.compatible.queries import PAGING, paging, query_number
from control_plane.http.endpoint import Ask, Resource

_SERVICE = "tabkeep.v1.WorkflowService/"
_MOST_VERSIONS = 2**31 - 1


def resources() -> list[Resource]:
    """The routes, under both names."""
    return [resource for family in ("workflows", "agents") for resource in _family(family)]


def _family(family: str) -> list[Resource]:
    one = schemas.WORKFLOW
    return [
        Resource(
            f"/v1/{family}",
            GET=operation(
                _list, "List workflows, newest first, a page at a time.", schemas.array(one),
                query=filters.WORKFLOWS,
            ),
            POST=operation(_create, "Store a workflow.", one, body=schemas.DEFINITION, refused=(409, 503)),
        ),
        Resource(
            f"/v1/{family}/{{workflow_id}}",
            GET=operation(
                _get, "Get a workflow: its newest version, or another.", one, refused=(404,),
                query=(("version", {"type": "integer", "minimum": 1, "maximum": _MOST_VERSIONS}),),
            ),
            POST=operation(
                _update, "Store a workflow's next version.", one, body=schemas.DEFINITION, refused=(404, 409, 503)
            ),
        ),
        Resource(
            f"/v1/{family}/{{workflow_id}}/versions",
            GET=operation(
                _versions, "List a workflow's versions, newest first.", schemas.array(one), refused=(404,),
                query=PAGING,
            ),
        ),
        Resource(
            f"/v1/{family}/{{workflow_id}}/delete",
            POST=operation(_delete, "Delete a workflow.", schemas.NULL, refused=(404, 503)),
        ),
    ]  # fmt: skip


async def _create(ask: Ask) -> Any:
    body = Body(ask.json())
    workflow_id = body.text("workflow_id", 100)
    request = pb.CreateWorkflowRequest(
        definition=workflow_json.definition(body), workflow_id=workflow_id, request_id=key_of(ask)
    )
    return workflow_json.workflow((await ask.call(_SERVICE + "CreateWorkflow", request)).workflow)


async def _get(ask: Ask) -> Any:
    version = query_number(ask, "version", 0, 1, _MOST_VERSIONS)
    return workflow_json.workflow(await _version(ask, version))


async def _version(ask: Ask, version: int) -> pb.Workflow:
    """A version of the workflow that the path names; 0 is the newest."""
    request = pb.GetWorkflowRequest(workflow_id=ask.path["workflow_id"], version=version)
    found: pb.Workflow = (await ask.call(_SERVICE + "GetWorkflow", request)).workflow
    return found


async def _versions(ask: Ask) -> Any:
    skip, size = paging(ask, 100)  # the published clients turn no pages here
    newest = await _version(ask, 0)
    numbers = range(newest.version, 0, -1)[skip : skip + size]
    return [workflow_json.workflow(await _version(ask, number)) for number in numbers]


async def _list(ask: Ask) -> Any:
    request = pb.ListWorkflowsRequest()
    asked_for = filters.of_workflows(ask)
    found = await listed(ask, _SERVICE + "ListWorkflows", request, "workflows", *paging(ask), only=asked_for)
    return [workflow_json.workflow(workflow) for workflow in found]


async def _update(ask: Ask) -> Any:
    text = workflow_json.definition(Body(ask.json()))
    request = pb.UpdateWorkflowRequest(workflow_id=ask.path["workflow_id"], definition=text)
    return workflow_json.workflow((await ask.call(_SERVICE + "UpdateWorkflow", request)).workflow)


async def _delete(ask: Ask) -> Any:
    await ask.call(_SERVICE + "DeleteWorkflow", pb.DeleteWorkflowRequest(workflow_id=ask.path["workflow_id"]))
