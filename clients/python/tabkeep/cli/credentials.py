"""`tabkeep credential`: store, list and delete logins."""

from __future__ import annotations

import click

from tabkeep.cli.connection import calls_control_plane
from tabkeep.cli.output import Output
from tabkeep.client import Client


@click.group()
def credential() -> None:
    """Store, list and delete logins that runs may use; a stored password cannot be read again."""


@credential.command()
@click.argument("origin")
@click.argument("username")
@click.option("--password", prompt=True, hide_input=True, envvar="TABKEEP_PASSWORD", help="[default: asked for]")
@click.option("--totp-secret", envvar="TABKEEP_TOTP_SECRET", help="The base32 seed of its one-time codes.")
@calls_control_plane
async def create(
    client: Client, output: Output, origin: str, username: str, password: str, totp_secret: str | None
) -> None:
    """Store the login of USERNAME for the site of the URL ORIGIN."""
    made = await client.create_credential(origin, username, password, totp_secret=totp_secret)
    fields = (
        ("credential", made.credential_id),
        ("origin", made.origin),
        ("username", made.username),
        ("one-time codes", "yes" if made.has_totp else "no"),
    )
    output.record(made, fields)


@credential.command("list")
@click.option("--origin", help="Only those for the site of this URL.")
@calls_control_plane
async def list_credentials(client: Client, output: Output, origin: str | None) -> None:
    """List stored logins, without their passwords."""
    found = await client.list_credentials(origin)
    rows = [
        (one.credential_id, one.origin, one.username, "yes" if one.has_totp else "no", one.create_time) for one in found
    ]
    output.table(found, ("CREDENTIAL", "ORIGIN", "USERNAME", "CODES", "CREATED"), rows)


@credential.command()
@click.argument("credential_id")
@calls_control_plane
async def delete(client: Client, output: Output, credential_id: str) -> None:
    """Delete a stored login."""
    await client.delete_credential(credential_id)
    output.line(f"{credential_id} is deleted")
