"""`tabkeep recording`: show, export and delete what runs have recorded."""

from __future__ import annotations

import click

from tabkeep.cli.connection import calls_control_plane
from tabkeep.cli.listing import MOST_OF_PAGE, first, limit_option
from tabkeep.cli.output import Output, clean
from tabkeep.client import Client


@click.group()
def recording() -> None:
    """Show, export and delete recorded tasks, which the same prompt with other values replays."""


@recording.command("list")
@click.option("--origin", help="Only those for the site of this URL.")
@limit_option
@calls_control_plane
async def list_recordings(client: Client, output: Output, origin: str | None, limit: int) -> None:
    """List recordings, newest first."""
    found = await first(limit, client.list_recordings(origin=origin, page_size=min(limit, MOST_OF_PAGE)))
    rows = [(r.recording_id, r.state, r.version, r.success_count, r.task.origin, r.task.template) for r in found]
    output.table(found, ("RECORDING", "STATE", "VERSION", "RUNS", "SITE", "TASK"), rows)


@recording.command()
@click.argument("recording_id")
@calls_control_plane
async def show(client: Client, output: Output, recording_id: str) -> None:
    """Show a recording with its parts and steps."""
    found = await client.get_recording(recording_id)
    values = (f"{v.name}{' (secret)' if v.secret else f' = {v.text}' if v.fixed else ''}" for v in found.task.values)
    fields = (
        ("recording", found.recording_id),
        ("state", found.state),
        ("version", found.version),
        ("task", found.task.template),
        ("site", found.task.origin),
        ("begins on", found.task.start),
        ("values", ", ".join(values)),
        ("planned by", found.task.planner),
        ("runs", found.success_count),
        ("failed since", found.failure_count),
        ("last changed by", found.run_id),
        ("updated", found.update_time),
    )
    output.record(found, fields)
    if output.as_json:
        return
    for part in found.task.parts:
        output.line(clean(f"part: {part.clause}{' (looks again)' if part.looks_again else ''}"))
        for step in part.steps:
            what = " ".join(str(step.action).split())
            output.line(clean(f"  {what}"))


@recording.command()
@click.argument("recording_id")
@click.option(
    "--format", "format_", type=click.Choice(["workflow_yaml", "playwright_python"]), default="workflow_yaml",
    show_default=True,
)  # fmt: skip
@calls_control_plane
async def export(client: Client, output: Output, recording_id: str, format_: str) -> None:
    """Write a recording as a workflow's definition or as a Playwright script."""
    exported = await client.export_recording(recording_id, format_)
    click.echo(exported.content, nl=False)


@recording.command()
@click.argument("recording_id")
@calls_control_plane
async def delete(client: Client, output: Output, recording_id: str) -> None:
    """Delete a recording."""
    await client.delete_recording(recording_id)
    output.line(f"{recording_id} is deleted")
