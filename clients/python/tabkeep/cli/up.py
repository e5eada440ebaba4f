"""`tabkeep up`: a control plane and one host on this machine, for as long as the command runs."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from tabkeep.cli import failures, output
from tabkeep.cli.connection import data_dir as default_data_dir
from tabkeep.cli.connection import json_option
from tabkeep.cli.local_stack import LocalStack, Ready, StackSettings
from tabkeep.cli.output import Output
from tabkeep.cli.programs import LOG_LEVEL
from tabkeep.endpoint import DEFAULT_ADDRESS, DEFAULT_HTTP_ADDRESS

_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]


@click.command()
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Database, keys, files, logs.  [default: $TABKEEP_DATA_DIR or ~/.tabkeep]",
)
@click.option("--grpc-address", default=DEFAULT_ADDRESS, show_default=True, help="host:port; port 0 takes a free one.")
@click.option(
    "--http-address",
    default=DEFAULT_HTTP_ADDRESS,
    show_default=True,
    envvar="TABKEEP_HTTP_ADDRESS",
    help="host:port of the HTTP/JSON API; port 0 takes a free one, an empty text serves none.",
)
@click.option("--capacity", type=click.IntRange(1, 1000), help="The most sessions at once.")
@click.option(
    "--allow-private",
    multiple=True,
    metavar="DESTINATION",
    help="A private site that browsers may reach: localhost, 10.1.0.0/16, intranet.example:8443. May be given several "
    "times.  [default: $TABKEEP_ALLOW_PRIVATE, else only the public web]",
)
@click.option(
    "--proxy-locations",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="File that maps proxy locations to proxies.  [default: $TABKEEP_PROXY_LOCATIONS, else proxy-locations.yaml in "
    "the data directory]",
)
@click.option("--log-level", type=LOG_LEVEL)
@click.option("--log-to-stderr", is_flag=True, help="Logs go to standard error, not to files in the data directory.")
@json_option
def up(
    data_dir: Path | None,
    grpc_address: str,
    http_address: str,
    capacity: int | None,
    allow_private: tuple[str, ...],
    proxy_locations: Path | None,
    log_level: str | None,
    log_to_stderr: bool,
    as_json: bool,
) -> None:
    """Run a control plane and one browser host on this machine.

    With --json, one line when everything is ready: grpc_address, http_address, api_key_file, host_token_file,
    control_plane_pid, host_pid, data_dir. SIGTERM or Ctrl-C ends both, the browsers first; a second one kills them.
    """
    settings = StackSettings(
        data_dir=(data_dir or default_data_dir()).expanduser().absolute(),
        grpc_address=grpc_address,
        http_address=http_address,
        capacity=capacity,
        allow_private=",".join(allow_private) or None,
        proxy_locations=proxy_locations and proxy_locations.absolute(),
        log_level=log_level and log_level.upper(),
        log_to_stderr=log_to_stderr,
    )
    raise click.exceptions.Exit(asyncio.run(_run(settings, Output(as_json=as_json))))


async def _run(settings: StackSettings, out: Output) -> int:
    stack = LocalStack(settings)
    asked_to_stop = asyncio.Event()
    with _signals(asked_to_stop, stack):
        work = asyncio.create_task(_serve(stack, out))
        stop = asyncio.create_task(asked_to_stop.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        status = 0
        if work.done():
            output.fail_block(str(work.exception()))
            status = failures.FAILED
        work.cancel()
        stop.cancel()
        await asyncio.wait({work, stop})
        if not out.as_json and out.is_live:
            out.line("stopping ...")
        killed = await stack.stop()
    if killed:
        output.fail(f"had to be killed: {', '.join(killed)}")
        status = failures.FAILED
    return status


async def _serve(stack: LocalStack, out: Output) -> None:
    if out.is_live:
        with out.console.status("starting a control plane and a host ..."):
            ready = await stack.start()
    else:
        ready = await stack.start()
    if out.as_json:
        out.json_line(_ready_json(ready))
    else:
        _say_ready(out, ready)
    sys.stdout.flush()
    raise await stack.failure()


def _ready_json(ready: Ready) -> dict[str, object]:
    return {
        "grpc_address": ready.grpc_address,
        "http_address": ready.http_address,
        "api_key_file": str(ready.api_key_file),
        "host_token_file": str(ready.host_token_file),
        "control_plane_pid": ready.control_plane_pid,
        "host_pid": ready.host_pid,
        "data_dir": str(ready.data_dir),
    }


def _say_ready(out: Output, ready: Ready) -> None:
    fields = (
        ("control plane", f"{ready.grpc_address} (process {ready.control_plane_pid})"),
        *([("HTTP", f"http://{ready.http_address}")] if ready.http_address else []),
        ("host", f"process {ready.host_pid}"),
        ("API key", str(ready.api_key_file)),
        ("host token", str(ready.host_token_file)),
        ("data", str(ready.data_dir)),
    )
    out.record(ready, fields)
    if out.is_live:
        settings = ""
        if ready.grpc_address != DEFAULT_ADDRESS:
            settings += f"TABKEEP_ADDRESS={ready.grpc_address} "
        if ready.api_key_file != default_data_dir() / "api-key":
            settings += f"TABKEEP_API_KEY_FILE={ready.api_key_file} "
        out.line("\nReady. In another terminal:")
        out.line(f'  {settings}tabkeep run task "Go to https://example.com"')
        out.line("Ctrl-C ends it.")


@contextmanager
def _signals(asked_to_stop: asyncio.Event, stack: LocalStack) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def on_loop() -> None:
        if asked_to_stop.is_set():
            stack.kill()
        asked_to_stop.set()

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(on_loop)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
