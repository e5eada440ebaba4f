"""`tabkeep usage`: for how long an organization's browsers were open."""

from __future__ import annotations

import click

from tabkeep.cli.connection import calls_control_plane
from tabkeep.cli.output import Output
from tabkeep.client import Client


@click.command()
@click.option("--month", help="Like 2026-11, in UTC.  [default: the present one]")
@click.option("--organization", "organization_id", help="Another organization's (needs the operator scope).")
@calls_control_plane
async def usage(client: Client, output: Output, month: str | None, organization_id: str | None) -> None:
    """Show a month's session minutes: a session counts while its browser is open, idle or not."""
    used = await client.get_usage(month, organization_id=organization_id)
    fields = (
        ("organization", used.organization_id),
        ("month", used.month),
        ("session minutes", used.session_minutes),
        ("session time", used.session_time),
        ("sessions", used.session_count),
        ("open now", used.open_session_count),
    )
    output.record(used, fields)
