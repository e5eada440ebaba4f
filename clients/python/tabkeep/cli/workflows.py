"""`tabkeep workflow`: store, show, change and delete workflow definitions."""

from __future__ import annotations

from typing import TextIO

import click

from tabkeep.cli.connection import calls_control_plane
from tabkeep.cli.listing import MOST_OF_PAGE, first, limit_option
from tabkeep.cli.output import Output
from tabkeep.client import Client
from tabkeep.records.workflows import Workflow


@click.group()
def workflow() -> None:
    """Store, show, change and delete workflows; `tabkeep run workflow` runs them."""


@workflow.command()
@click.argument("definition", type=click.File(encoding="utf-8"))
@click.option("--id", "workflow_id", help='"wf_" and letters, digits or "_".  [default: made by the control plane]')
@calls_control_plane
async def create(client: Client, output: Output, definition: TextIO, workflow_id: str | None) -> None:
    """Store a definition (YAML or JSON file, - for standard input) as a new workflow."""
    _show(output, await client.create_workflow(definition.read(), workflow_id=workflow_id))


@workflow.command()
@click.argument("workflow_id")
@click.option("--version", type=click.IntRange(1), help="[default: the newest]")
@click.option("--definition", is_flag=True, help="Write only the definition, as it was given.")
@calls_control_plane
async def get(client: Client, output: Output, workflow_id: str, version: int | None, definition: bool) -> None:
    """Show a workflow."""
    found = await client.get_workflow(workflow_id, version=version)
    if definition:
        click.echo(found.definition, nl=not found.definition.endswith("\n"))
    else:
        _show(output, found)


@workflow.command("list")
@limit_option
@calls_control_plane
async def list_workflows(client: Client, output: Output, limit: int) -> None:
    """List workflows, newest first."""
    found = await first(limit, client.list_workflows(page_size=min(limit, MOST_OF_PAGE)))
    rows = [(w.workflow_id, w.version, w.title, w.update_time) for w in found]
    output.table(found, ("WORKFLOW", "VERSION", "TITLE", "UPDATED"), rows)


@workflow.command()
@click.argument("workflow_id")
@click.argument("definition", type=click.File(encoding="utf-8"))
@click.option("--expected-version", type=click.IntRange(1), help="Replace this version and no other.")
@calls_control_plane
async def update(
    client: Client, output: Output, workflow_id: str, definition: TextIO, expected_version: int | None
) -> None:
    """Store a definition as the next version; runs that have begun keep theirs."""
    _show(output, await client.update_workflow(workflow_id, definition.read(), expected_version=expected_version))


@workflow.command()
@click.argument("workflow_id")
@calls_control_plane
async def delete(client: Client, output: Output, workflow_id: str) -> None:
    """Delete a workflow: it takes no more runs."""
    await client.delete_workflow(workflow_id)
    output.record({"workflow_id": workflow_id, "deleted": True}, (("deleted", workflow_id),))


def _show(output: Output, w: Workflow) -> None:
    fields = (
        ("workflow", w.workflow_id),
        ("version", w.version),
        ("title", w.title),
        ("parameters", ", ".join(f"{p.name}: {p.type}{'' if p.required else ' (optional)'}" for p in w.parameters)),
        ("created", w.create_time),
        ("updated", w.update_time),
    )
    output.record(w, fields)
