"""`tabkeep profile`: make, list, rename, delete and export browser profiles."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TextIO

import click

from tabkeep.cli.connection import calls_control_plane
from tabkeep.cli.listing import MOST_OF_PAGE, first, limit_option
from tabkeep.cli.output import Output
from tabkeep.client import Client
from tabkeep.records.profiles import BrowserProfile


@click.group()
def profile() -> None:
    """Make, list, rename, delete and export browser profiles; `tabkeep session create --profile` starts from one."""


@profile.command()
@click.argument("name")
@click.option("--session", "browser_session_id", help="Of this session: open, or closed and created with --save.")
@click.option("--storage-state", type=click.File(encoding="utf-8"), help="Of this file, in Playwright's form.")
@click.option("--description", default="", help="For people.")
@calls_control_plane
async def create(
    client: Client,
    output: Output,
    name: str,
    browser_session_id: str | None,
    storage_state: TextIO | None,
    description: str,
) -> None:
    """Store a profile under NAME: of a session, of a storage state, or blank."""
    if browser_session_id is not None and storage_state is not None:
        raise click.UsageError("give --session or --storage-state, not both")
    made = await client.create_browser_profile(
        name,
        description=description,
        browser_session_id=browser_session_id,
        storage_state=storage_state.read() if storage_state else None,
    )
    _show(output, made)


@profile.command("list")
@limit_option
@calls_control_plane
async def list_profiles(client: Client, output: Output, limit: int) -> None:
    """List profiles, newest first."""
    found = await first(limit, client.list_browser_profiles(page_size=min(limit, MOST_OF_PAGE)))
    rows = [(p.browser_profile_id, p.version, p.update_time, p.name) for p in found]
    output.table(found, ("PROFILE", "VERSION", "UPDATED", "NAME"), rows)


@profile.command()
@click.argument("browser_profile_id")
@calls_control_plane
async def get(client: Client, output: Output, browser_profile_id: str) -> None:
    """Show one profile."""
    _show(output, await client.get_browser_profile(browser_profile_id))


@profile.command()
@click.argument("browser_profile_id")
@click.argument("name")
@calls_control_plane
async def rename(client: Client, output: Output, browser_profile_id: str, name: str) -> None:
    """Give a profile another name."""
    _show(output, await client.update_browser_profile(browser_profile_id, name=name))


@profile.command()
@click.argument("browser_profile_id")
@calls_control_plane
async def delete(client: Client, output: Output, browser_profile_id: str) -> None:
    """Delete a profile with all its versions, for good."""
    await client.delete_browser_profile(browser_profile_id)
    output.record({"browser_profile_id": browser_profile_id, "deleted": True}, (("deleted", browser_profile_id),))


@profile.command()
@click.argument("browser_profile_id")
@click.option("--version", type=click.IntRange(1), help="[default: the current one]")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="A file, readable by you only.  [default: stdout]"
)
@calls_control_plane
async def export(
    client: Client, output: Output, browser_profile_id: str, version: int | None, out: Path | None
) -> None:
    """Write a profile's cookies and storage in Playwright's form. Whoever has it is logged in."""
    state = json.dumps(await client.export_browser_profile(browser_profile_id, version=version), indent=2)
    if out is None:
        click.echo(state)
        return
    _write(out, state + "\n")
    output.record({"browser_profile_id": browser_profile_id, "file": str(out)}, (("written", str(out)),))


def _write(path: Path, text: str) -> None:
    """Write a file that nobody else may read, also where there was one that others could."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _show(output: Output, p: BrowserProfile) -> None:
    versions = [
        f"{v.version}: {v.cookie_count} cookies, {v.origin_count} sites, {v.state_time:%Y-%m-%d %H:%M:%S} UTC"
        + (f", of {v.browser_session_id}" if v.browser_session_id else "")
        for v in p.versions
    ]
    fields = (
        ("profile", p.browser_profile_id),
        ("name", p.name),
        ("description", p.description),
        ("version", p.version),
        ("versions", "; ".join(versions)),
        ("created", p.create_time),
        ("updated", p.update_time),
    )
    output.record(p, fields)
