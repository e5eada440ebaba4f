"""The two programs, started one by one, for tests that kill them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import IO

START_SECONDS = 60.0


def _environment(data_dir: Path, **variables: str) -> dict[str, str]:
    return {**os.environ, "TABKEEP_DATA_DIR": str(data_dir), "GRPC_VERBOSITY": "ERROR", **variables}


async def start_control_plane(
    data_dir: Path, address: str = "127.0.0.1:0", *, stderr: IO[bytes] | None = None
) -> tuple[Process, str]:
    """`python -m control_plane`; returns it and where it listens."""
    environment = _environment(data_dir, TABKEEP_GRPC_ADDRESS=address)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "control_plane", stdout=PIPE, stderr=stderr, env=environment
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
    assert line, "the control plane ended before it was ready"
    return process, json.loads(line)["grpc_address"]


async def start_host(data_dir: Path, address: str, *, stderr: IO[bytes] | None = None, **variables: str) -> Process:
    """`python -m browser_host`; it attaches in its own time."""
    settings = {
        "TABKEEP_CONTROL_PLANE": address,
        "TABKEEP_DRAIN_TIMEOUT": "0",
        "TABKEEP_HOST_ID": "host-a",
        **variables,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "browser_host", stderr=stderr, env=_environment(data_dir, **settings)
    )


async def end(*processes: Process) -> None:
    """SIGTERM, in the order given; a program that does not end in 15 s is killed and the test fails."""
    for process in processes:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()
                raise
