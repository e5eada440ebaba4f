"""`tabkeep key`: make, list and revoke API keys and host tokens."""

from __future__ import annotations

import click

from tabkeep.cli.connection import calls_control_plane
from tabkeep.cli.output import Output
from tabkeep.client import Client
from tabkeep.records.administration import Key, KeyScope


@click.group()
def key() -> None:
    """Make, list and revoke keys (needs a key with the operator scope)."""


@key.command()
@click.option("--organization", "organization_id", help='"o_" and letters, digits or "_"; none for a host token.')
@click.option("--scope", type=click.Choice(["api", "cdp", "operator", "host"]), default="api", show_default=True)
@click.option("--name", "display_name", default="", help="For people.")
@click.option("--host", "host_id", help='The host a host token is for, "*" for any; otherwise the first that uses it.')
@calls_control_plane
async def create(
    client: Client, output: Output, organization_id: str | None, scope: str, display_name: str, host_id: str | None
) -> None:
    """Make a key. Its text is shown now and never again."""
    made = await client.create_key(
        organization_id=organization_id, scope=scope, display_name=display_name, host_id=host_id
    )
    output.record(made, (("secret", made.secret), *_fields(made.key)))


@key.command("list")
@calls_control_plane
async def list_keys(client: Client, output: Output) -> None:
    """List all keys, newest first."""
    found = await client.list_keys()
    rows = [
        (k.key_id, k.scope.value, k.organization_id, k.host_id, k.display_name, k.create_time, k.revoke_time)
        for k in found
    ]
    output.table(found, ("KEY", "SCOPE", "ORGANIZATION", "HOST", "NAME", "CREATED", "REVOKED"), rows)


@key.command()
@click.argument("key_id")
@calls_control_plane
async def revoke(client: Client, output: Output, key_id: str) -> None:
    """Revoke a key: calls with it are refused from now on."""
    revoked = await client.revoke_key(key_id)
    output.record(revoked, _fields(revoked))


def _host(k: Key) -> str | None:
    """Whose a host token is."""
    if k.scope is not KeyScope.HOST:
        return None
    return k.host_id or "the first that attaches with it"


def _fields(k: Key) -> tuple[tuple[str, object], ...]:
    return (
        ("key", k.key_id),
        ("scope", k.scope.value),
        ("organization", k.organization_id),
        ("host", _host(k)),
        ("name", k.display_name),
        ("created", k.create_time),
        ("revoked", k.revoke_time),
    )
