"""`tabkeep artifact`: what sessions and their runs left behind."""

from __future__ import annotations

from pathlib import Path

import click

from tabkeep.cli.connection import calls_control_plane
from tabkeep.cli.output import Output
from tabkeep.client import Client
from tabkeep.records.files import ArtifactType

_TYPES = [member.value for member in ArtifactType if member is not ArtifactType.UNKNOWN]


@click.group()
def artifact() -> None:
    """List and save screenshots, downloads and the like."""


@artifact.command("list")
@click.option("--run", "run_id", help="Of this run.")
@click.option("--session", "browser_session_id", help="Of this session and all its runs.")
@click.option("--type", "artifact_types", multiple=True, type=click.Choice(_TYPES), help="Only these.")
@calls_control_plane
async def list_artifacts(
    client: Client,
    output: Output,
    run_id: str | None,
    browser_session_id: str | None,
    artifact_types: tuple[str, ...],
) -> None:
    """List the artifacts of a run or of a session, oldest first."""
    if (run_id is None) == (browser_session_id is None):
        raise click.UsageError("give --run or --session, not both and not neither")
    found = await client.list_artifacts(run_id, browser_session_id=browser_session_id, artifact_types=artifact_types)
    columns = ("ARTIFACT", "TYPE", "STATE", "SIZE", "NAME", "RUN", "CREATED", "")
    rows = [
        (
            one.artifact_id,
            one.artifact_type.value,
            one.state.value,
            one.size,
            one.file_name,
            one.run_id,
            one.create_time,
            one.state_message or one.truncation,
        )
        for one in found
    ]
    output.table(found, columns, rows)


@artifact.command()
@click.argument("browser_session_id")
@click.option("--pdf", is_flag=True, help="Print the whole page.  [default: a picture of what it shows]")
@click.option(
    "-o", "--output", "file", type=click.Path(path_type=Path, dir_okay=False), help="[default: ARTIFACT_ID.jpg or .pdf]"
)
@calls_control_plane
async def capture(client: Client, output: Output, browser_session_id: str, pdf: bool, file: Path | None) -> None:
    """Save a picture or print of a live session's page."""
    wanted = ArtifactType.PDF if pdf else ArtifactType.SCREENSHOT
    record = await client.capture_page(browser_session_id, wanted)
    data = await client.get_artifact(record.artifact_id)
    path = file or Path(f"{record.artifact_id}.{'pdf' if pdf else 'jpg'}")
    path.write_bytes(data)
    output.record(
        {"artifact_id": record.artifact_id, "file": str(path), "size": len(data)},
        (("artifact", record.artifact_id), ("file", str(path)), ("bytes", len(data))),
    )


@artifact.command()
@click.argument("artifact_id")
@click.option(
    "-o", "--output", "file", type=click.Path(path_type=Path, dir_okay=False), help="[default: ARTIFACT_ID-NAME]"
)
@calls_control_plane
async def get(client: Client, output: Output, artifact_id: str, file: Path | None) -> None:
    """Save an artifact's bytes, checked against its checksum."""
    record, data = await client.fetch_artifact(artifact_id)
    # The name is the site's own: behind the id it can neither hide nor overwrite anything.
    name = "".join(one if one.isprintable() and one not in "/\\" else "_" for one in record.file_name)
    path = file or Path(f"{record.artifact_id}-{name}" if name else record.artifact_id)
    path.write_bytes(data)
    output.record(
        {"artifact_id": artifact_id, "file": str(path), "size": len(data), "sha256": record.sha256},
        (("file", str(path)), ("bytes", len(data)), ("sha256", record.sha256)),
    )
