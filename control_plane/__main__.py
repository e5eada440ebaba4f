"""`python -m control_plane`: the control plane as a program.

Prints one JSON line on standard output when it is ready. Exit status: 0 stopped in order, 1 a disk failed, 2 wrong
settings, 4 the database cannot be used.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import asyncio
import json
import signal
import sys
from typing import Any

from tabkeep import telemetry

from control_plane import first_keys
from control_plane.config import Config, ConfigInvalid, from_environment
from control_plane.errors import StoreUnusable, TabkeepError
from control_plane.server import serve


async def run(config: Config) -> int:
    """Serve until SIGTERM or SIGINT, or until the disk fails; returns the exit status."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    telemetry.log_what_is_held_on_request()
    async with serve(config) as control_plane:
        ready = {
            "event": "ready",
            "grpc_address": control_plane.address,
            "http_address": control_plane.http_address,
            "api_key_file": str(first_keys.api_key_file(config.data_dir)),
            "host_token_file": str(first_keys.host_token_file(config.data_dir)),
            "data_dir": str(config.data_dir),
            "pid": os.getpid(),
        }
        print(json.dumps(ready), flush=True)
        stopped = asyncio.ensure_future(stop.wait())
        either: list[asyncio.Future[Any]] = [stopped, control_plane.database.failed]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if control_plane.database.failed.done():
            raise control_plane.database.failed.exception() or StoreUnusable("the disk failed")
    return 0


def main() -> int:
    """Read the settings, serve, and turn what went wrong into one line and an exit status."""
    try:
        config = from_environment(os.environ)
    except ConfigInvalid as error:
        print(f"tabkeep control-plane: {error}", file=sys.stderr)
        return 2
    telemetry.configure("tabkeep-control-plane", log_level=config.log_level)
    try:
        return _run(config)
    except ConfigInvalid as error:
        print(f"tabkeep control-plane: {error}", file=sys.stderr)
        return 2
    except StoreUnusable as error:
        print(f"tabkeep control-plane: {error}", file=sys.stderr)
        return 4
    except (TabkeepError, OSError) as error:
        print(f"tabkeep control-plane: {error}", file=sys.stderr)
        return 1
    finally:
        telemetry.shutdown()


def _run(config: Config) -> int:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(run(config))
    return uvloop.run(run(config))


if __name__ == "__main__":
    sys.exit(main())
