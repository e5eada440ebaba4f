"""What every command that calls the control plane shares: --address, --api-key-file, --json, and its client."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import os
import sys
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from tabkeep import endpoint
from tabkeep.calls import RetryPolicy
from tabkeep.cli.output import Output
from tabkeep.client import Client

_RETRY = RetryPolicy(max_attempts=4, watch_patience=timedelta(minutes=2))
"""A person waits: an unreachable control plane is reported within about two seconds."""


def data_dir() -> Path:
    """Return where `tabkeep up` keeps its data unless told: TABKEEP_DATA_DIR, else ~/.tabkeep."""
    return Path(os.environ.get("TABKEEP_DATA_DIR") or Path.home() / ".tabkeep")


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON; streams as JSON lines.")(function)


def calls_control_plane(command: Callable[..., Coroutine[Any, Any, int | None]]) -> Callable[..., None]:
    """Make a coroutine function that takes a client and an output into a click callback.

    It adds --address, --api-key-file and --json. What the coroutine returns is the exit status.
    """

    @click.option("--address", help="The control plane.  [default: $TABKEEP_ADDRESS or 127.0.0.1:7330]")
    @click.option(
        "--api-key-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File with the API key.  [default: $TABKEEP_API_KEY, $TABKEEP_API_KEY_FILE, or that of `tabkeep up`]",
    )
    @json_option
    @functools.wraps(command)
    def callback(*, address: str | None, api_key_file: Path | None, as_json: bool, **options: Any) -> None:
        async def whole() -> int | None:
            async with connect(address, api_key_file) as client:
                return await command(client, Output(as_json=as_json), **options)

        try:
            status = asyncio.run(whole()) or 0
        except BrokenPipeError:
            # The reader has enough, as in `| head`. Python would complain once more when it flushes at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 0
        raise click.exceptions.Exit(status)

    return callback


def connect(address: str | None, api_key_file: Path | None) -> Client:
    """Return a client for what the command line says, else the environment, else what `tabkeep up` left here."""
    key = endpoint.read_key(api_key_file) if api_key_file else None
    if key is None and not (os.environ.get("TABKEEP_API_KEY") or os.environ.get("TABKEEP_API_KEY_FILE")):
        local = data_dir() / "api-key"
        where = address or os.environ.get("TABKEEP_ADDRESS") or endpoint.DEFAULT_ADDRESS
        # The key of this machine's own control plane is never sent to another machine.
        if _is_loopback(where) and local.exists():
            key = endpoint.read_key(local)
    return Client(key, address, retry=_RETRY)


def _is_loopback(address: str) -> bool:
    name = address.partition("://")[2] or address
    host = name.rpartition(":")[0].strip("[]") or name
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def labels(pairs: tuple[str, ...]) -> dict[str, str]:
    """Return --label key=value options as a dict; anything else is a usage error."""
    result = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} is not key=value", param_hint="--label")
        result[name] = value
    return result
