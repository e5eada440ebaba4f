"""The two programs, started in place of this one: `tabkeep control-plane`, and for `tabkeep host run`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import click

LOG_LEVEL = click.Choice(["debug", "info", "warning", "error"], case_sensitive=False)


@click.command("control-plane")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Database, keys and files.  [default: $TABKEEP_DATA_DIR or ~/.tabkeep]",
)
@click.option("--grpc-address", help="host:port to listen on; port 0 takes a free one.  [default: 127.0.0.1:7330]")
@click.option("--http-address", help="host:port to listen on for HTTP/JSON.  [default: nowhere]")
@click.option("--log-level", type=LOG_LEVEL)
def control_plane(
    data_dir: Path | None, grpc_address: str | None, http_address: str | None, log_level: str | None
) -> None:
    """Run the control plane, until SIGTERM."""
    become(
        "control_plane",
        TABKEEP_DATA_DIR=data_dir,
        TABKEEP_GRPC_ADDRESS=grpc_address,
        TABKEEP_HTTP_ADDRESS=http_address,
        TABKEEP_LOG_LEVEL=log_level and log_level.upper(),
    )


def become(module: str, **settings: object) -> NoReturn:
    """Run a program in place of this process, with the settings that are given added to the environment."""
    if importlib.util.find_spec(module) is None:
        raise click.ClickException(f"{module} is not installed here: install the distribution tabkeep as a whole")
    environment = os.environ | {name: str(value) for name, value in settings.items() if value is not None}
    command = [sys.executable, "-P", "-m", module]
    if os.name == "posix":
        os.execve(sys.executable, command, environment)
    raise click.exceptions.Exit(subprocess.run(command, env=environment, check=False).returncode)
