"""Every move of a workflow: within one transaction each."""

from __future__ import annotations

from dataclasses import replace

from control_plane.entities.records import Workflow
from control_plane.errors import AlreadyExists, Conflict, NotFound
from control_plane.moves.requests import Request, answered, remember
from control_plane.store import Transaction


def not_found(workflow_id: str, version: int = 0) -> NotFound:
    """The answer for a workflow that is not there, or is not the caller's."""
    which = f"version {version} of workflow {workflow_id}" if version else f"workflow {workflow_id}"
    return NotFound(f"{which} does not exist", reason="WORKFLOW_NOT_FOUND", workflow_id=workflow_id)


def create(
    tx: Transaction, organization_id: str, workflow_id: str, title: str, definition: str, request: Request | None
) -> Workflow:
    """Store version 1 of a workflow.

    Raises:
        AlreadyExists: WORKFLOW_EXISTS, or the request_id was used with another body.
    """
    if earlier := answered(tx, request):
        workflow = tx.workflows.get(organization_id, earlier, 1)
        if workflow is None:
            raise not_found(earlier)
        return workflow
    workflow_id = workflow_id or tx.new_id("wf")
    if tx.workflows.taken(organization_id, workflow_id):
        raise AlreadyExists(
            f"workflow {workflow_id} exists, or did: update it, or choose another id",
            reason="WORKFLOW_EXISTS",
            workflow_id=workflow_id,
        )
    workflow = Workflow(organization_id, workflow_id, 1, title, definition, tx.now, tx.now)
    tx.workflows.add_version(workflow)
    remember(tx, request, workflow_id)
    return workflow


def update(
    tx: Transaction, organization_id: str, workflow_id: str, title: str, definition: str, expected_version: int
) -> Workflow:
    """Store the next version.

    Raises:
        NotFound: no such workflow.
        Conflict: VERSION_CONFLICT, the newest version is not the expected one.
    """
    newest = tx.workflows.get(organization_id, workflow_id)
    if newest is None:
        raise not_found(workflow_id)
    if expected_version not in (0, newest.version):
        raise Conflict(
            f"workflow {workflow_id} is at version {newest.version}, not {expected_version}: read it again",
            reason="VERSION_CONFLICT",
            version=str(newest.version),
        )
    workflow = replace(newest, version=newest.version + 1, title=title, definition=definition, update_time=tx.now)
    tx.workflows.add_version(workflow)
    return workflow


def delete(tx: Transaction, organization_id: str, workflow_id: str) -> None:
    """Take a workflow out of use.

    Raises:
        NotFound: no such workflow.
    """
    if not tx.workflows.newest_version(organization_id, workflow_id):
        raise not_found(workflow_id)
    tx.workflows.delete(organization_id, workflow_id, tx.now)
