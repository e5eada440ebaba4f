"""`python -m control_plane` as faults need it: perhaps under strace, started again on the same data, asked and read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc

from tests.chaos.outcomes import NotPossibleHere
from tests.conftest import Api, api_on
from tests.fake_host import FakeHost

START_SECONDS = 60.0
END_SECONDS = 30.0


def traced(*options: str) -> list[str]:
    """The words before a command that let strace meddle with its calls."""
    strace = shutil.which("strace")
    if strace is None:
        raise NotPossibleHere("no strace here")
    return [strace, "-f", "-qq", "--seccomp-bpf", "-o", os.devnull, *options]


class ControlPlaneProgram:
    """One process of the control plane."""

    def __init__(
        self, data_dir: Path, *, prefix: Sequence[str] = (), module: str = "control_plane", **variables: str
    ) -> None:
        self.data_dir = data_dir
        self.ready_after = 0.0
        """Seconds from the start of the process to its ready line."""
        self.address = ""
        self.pid = 0
        """Of the control plane itself, which strace may stand before; 0 until it is ready."""
        self._prefix = prefix
        self._module = module
        self._variables = variables
        self._process: asyncio.subprocess.Process | None = None
        self._errors = data_dir.parent / f"{data_dir.name}-stderr"

    async def start(self) -> ControlPlaneProgram:
        """Start it and wait until it is ready."""
        environment = {
            **os.environ,
            "TABKEEP_DATA_DIR": str(self.data_dir),
            "TABKEEP_GRPC_ADDRESS": "127.0.0.1:0",
            "TABKEEP_MINIMUM_FREE_MIB": "0",
            "TABKEEP_FIRST_HOST_TOKEN_FOR": "*",
            "TABKEEP_LOG_LEVEL": "WARNING",
            "GRPC_VERBOSITY": "NONE",
            **self._variables,
        }
        begun = time.monotonic()
        with self._errors.open("wb") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *self._prefix, sys.executable, "-m", self._module,
                stdout=asyncio.subprocess.PIPE, stderr=errors, env=environment,
            )  # fmt: skip
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), START_SECONDS)
        assert line, f"the control plane ended before it was ready: {self.last_words()}"
        self.ready_after = time.monotonic() - begun
        ready = json.loads(line)
        self.address, self.pid = ready["grpc_address"], int(ready["pid"])
        return self

    def last_words(self) -> str:
        """The last line it wrote to standard error."""
        return (self._errors.read_text(errors="replace").strip().splitlines() or [""])[-1]

    def signal(self, number: int) -> None:
        """Send it a signal, also through strace."""
        os.kill(self.pid, number)

    async def ended(self) -> int:
        """Wait for its end; returns its exit status, negative after a signal."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), END_SECONDS)

    async def kill(self) -> None:
        """kill -9, and wait for the end; does nothing when it has ended."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid or self._process.pid, signal.SIGKILL)
            await self.ended()

    @contextlib.asynccontextmanager
    async def api(self) -> AsyncIterator[Api]:
        """Stubs with the first key."""
        key = (self.data_dir / "api-key").read_text().strip()
        async with grpc.aio.insecure_channel(self.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            yield api_on(channel, key)

    def host(self, host_id: str = "host-a", **fields: Any) -> FakeHost:
        """A fake host that is not attached yet."""
        return FakeHost(self.address, (self.data_dir / "host-token").read_text().strip(), host_id, **fields)

    def query(self, statement: str, *arguments: object) -> list[Any]:
        """Read the database beside the running process."""
        database = sqlite3.connect(f"{(self.data_dir / 'tabkeep.db').as_uri()}?mode=ro", uri=True)
        with contextlib.closing(database):
            return database.execute(statement, arguments).fetchall()


@contextlib.asynccontextmanager
async def running(
    data_dir: Path, *, prefix: Sequence[str] = (), **variables: str
) -> AsyncIterator[ControlPlaneProgram]:
    """A control plane that is killed at the end if it still runs."""
    program = ControlPlaneProgram(data_dir, prefix=prefix, **variables)
    try:
        yield await program.start()
    finally:
        await program.kill()
