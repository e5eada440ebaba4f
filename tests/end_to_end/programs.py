"""The two programs, started one by one, for tests that kill them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tabkeep import Client

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


@asynccontextmanager
async def local(data_dir: Path, *, stderr: IO[bytes] | None = None, **variables: str) -> AsyncIterator[Programs]:
    """A control plane and a host that a test may kill and start again; what still runs at the end ends with SIGTERM."""
    programs = Programs(data_dir, variables, stderr)
    try:
        await programs.start_control_plane()
        await programs.start_host()
        yield programs
    finally:
        await end(*(process for process in (programs.host, programs.control_plane) if process is not None))


@dataclass
class Programs:
    """The two programs of one data directory."""

    data_dir: Path
    variables: dict[str, str]
    stderr: IO[bytes] | None
    address: str = "127.0.0.1:0"
    control_plane: Process | None = None
    host: Process | None = None

    async def start_control_plane(self) -> None:
        """Start it where it listened before, if it did."""
        self.control_plane, self.address = await start_control_plane(self.data_dir, self.address, stderr=self.stderr)

    async def start_host(self) -> None:
        """Start it; it attaches in its own time."""
        self.host = await start_host(self.data_dir, self.address, stderr=self.stderr, **self.variables)

    def client(self) -> Client:
        """A client with the first key."""
        return Client(api_key=(self.data_dir / "api-key").read_text().strip(), address=self.address)


async def kill(process: Process | None) -> None:
    """kill -9, and wait for the end."""
    assert process is not None
    process.kill()
    await process.wait()


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
