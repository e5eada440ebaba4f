"""`tabkeep host`: run a browser host here, and for operators look at hosts, drain and release them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from tabkeep.cli.connection import calls_control_plane
from tabkeep.cli.durations import DURATION
from tabkeep.cli.isolation import limits
from tabkeep.cli.output import Output
from tabkeep.cli.programs import LOG_LEVEL, become
from tabkeep.client import Client
from tabkeep.records.administration import Host


def _program_options(function: Callable[..., Any]) -> Callable[..., Any]:
    path = click.Path(path_type=Path)
    options = (
        click.option("--control-plane", help="Where to attach, host:port.  [default: 127.0.0.1:7330]"),
        click.option("--token-file", type=path, help="The host token.  [default: host-token in the data directory]"),
        click.option("--host-id", help="[default: the last one, or the machine's name]"),
        click.option("--data-dir", type=path, help="[default: $TABKEEP_DATA_DIR or ~/.tabkeep]"),
        click.option("--capacity", type=click.IntRange(1, 1000), help="The most sessions at once."),
        click.option("--drain-timeout", type=DURATION, help="How long sessions may go on after SIGTERM."),
        click.option("--log-level", type=LOG_LEVEL),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.group(invoke_without_command=True)
@_program_options
def host(**settings: Any) -> None:
    """Run a browser host on this machine (the same as `host run`), or show, drain and release hosts."""
    ctx = click.get_current_context()
    if ctx.invoked_subcommand is None:
        _become_host(**settings)
    elif any(value is not None for value in settings.values()):
        raise click.UsageError(f"these options belong to `host run`, not to `host {ctx.invoked_subcommand}`", ctx)


@host.command()
@_program_options
def run(**settings: Any) -> None:
    """Run a browser host on this machine, until SIGTERM."""
    _become_host(**settings)


@host.command("list")
@calls_control_plane
async def list_hosts(client: Client, output: Output) -> None:
    """List hosts (operators)."""
    found = await client.list_hosts()
    columns = ("HOST", "STATE", "SESSIONS", "BROWSERS", "LOAD", "HEARTBEAT", "WHY")
    rows = [
        (
            h.host_id,
            h.state.value,
            f"{h.sessions}/{h.capacity}",
            ", ".join(b.version for b in h.browsers),
            f"{h.load_average:.2f}",
            h.heartbeat_time,
            h.state_message,
        )
        for h in found
    ]
    output.table(found, columns, rows)


@host.command()
@click.argument("host_id")
@calls_control_plane
async def get(client: Client, output: Output, host_id: str) -> None:
    """Show one host (operators)."""
    _show(output, await client.get_host(host_id))


@host.command()
@click.argument("host_id")
@click.option("--drain-timeout", type=DURATION, help="How long its sessions may go on.  [default: 10m]")
@calls_control_plane
async def drain(client: Client, output: Output, host_id: str, drain_timeout: timedelta | None) -> None:
    """Take a host out of service (operators)."""
    _show(output, await client.drain_host(host_id, drain_timeout=drain_timeout))


@host.command()
@click.argument("host_id")
@calls_control_plane
async def release(client: Client, output: Output, host_id: str) -> None:
    """End a host's quarantine: sessions are placed on it again (operators)."""
    _show(output, await client.release_host(host_id))


def _become_host(
    *,
    control_plane: str | None,
    token_file: Path | None,
    host_id: str | None,
    data_dir: Path | None,
    capacity: int | None,
    drain_timeout: timedelta | None,
    log_level: str | None,
) -> None:
    become(
        "browser_host",
        TABKEEP_CONTROL_PLANE=control_plane,
        TABKEEP_HOST_TOKEN_FILE=token_file,
        TABKEEP_HOST_ID=host_id,
        TABKEEP_DATA_DIR=data_dir,
        TABKEEP_CAPACITY=capacity,
        TABKEEP_DRAIN_TIMEOUT=None if drain_timeout is None else drain_timeout.total_seconds(),
        TABKEEP_LOG_LEVEL=log_level and log_level.upper(),
    )


def _show(output: Output, h: Host) -> None:
    i = h.isolation
    fields = (
        ("host", h.host_id),
        ("state", h.state.value),
        ("why", h.state_message),
        ("sessions", f"{h.sessions} of {h.capacity}"),
        ("browsers", ", ".join(f"{b.browser_type.value} ({b.version})" for b in h.browsers)),
        ("sandbox", None if h.sandboxed else "off, by its operator"),
        ("extensions", ", ".join(f"{e.name} ({e.version})" for e in h.extensions) or None),
        ("users", "one for each session" if i.user_per_session else "one for all sessions"),
        ("limits", limits(i.session_memory_limit_bytes, i.session_task_limit, i.session_cpu_percent_limit)),
        ("load", f"{h.load_average:.2f}"),
        ("free memory", f"{h.available_memory_bytes / 2**20:,.0f} MiB"),
        ("build", h.build),
        ("attached", h.attach_time),
        ("heartbeat", h.heartbeat_time),
        ("drain ends", h.drain_expire_time),
    )
    output.record(h, fields)
