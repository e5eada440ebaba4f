"""`tabkeep file`: what runs give to pages."""

from __future__ import annotations

from pathlib import Path

import click

from tabkeep.cli.connection import calls_control_plane
from tabkeep.cli.output import Output
from tabkeep.client import Client


@click.group()
def file() -> None:
    """Store, list and delete files that runs give to pages."""


@file.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", "file_name", help="The name that pages see.  [default: that of PATH]")
@click.option("--type", "content_type", help="Its media type.  [default: guessed from the name]")
@click.option("--request-id", help="The same id returns the same file.")
@calls_control_plane
async def upload(
    client: Client, output: Output, path: Path, file_name: str | None, content_type: str | None, request_id: str | None
) -> None:
    """Store the file PATH."""
    made = await client.upload_file(path, file_name=file_name, content_type=content_type, request_id=request_id)
    fields = (
        ("file", made.file_id),
        ("name", made.file_name),
        ("type", made.content_type),
        ("bytes", made.size),
        ("sha256", made.sha256),
    )
    output.record(made, fields)


@file.command("list")
@click.option("--name", "file_name", help="Only files of this name.")
@calls_control_plane
async def list_files(client: Client, output: Output, file_name: str | None) -> None:
    """List stored files, newest first."""
    found = [one async for one in client.list_files(file_name=file_name)]
    rows = [(one.file_id, one.file_name, one.content_type, one.size, one.create_time) for one in found]
    output.table(found, ("FILE", "NAME", "TYPE", "SIZE", "CREATED"), rows)


@file.command()
@click.argument("file_id")
@click.option("-o", "--output", "to", type=click.Path(path_type=Path, dir_okay=False), help="[default: its name]")
@calls_control_plane
async def get(client: Client, output: Output, file_id: str, to: Path | None) -> None:
    """Save a stored file's bytes, checked against its checksum."""
    record, data = await client.fetch_file(file_id)
    path = to or Path(record.file_name)
    path.write_bytes(data)
    output.record(
        {"file_id": file_id, "file": str(path), "size": len(data), "sha256": record.sha256},
        (("file", str(path)), ("bytes", len(data)), ("sha256", record.sha256)),
    )


@file.command()
@click.argument("file_id")
@calls_control_plane
async def delete(client: Client, output: Output, file_id: str) -> None:
    """Delete a stored file."""
    await client.delete_file(file_id)
    output.line(f"{file_id} is deleted")
