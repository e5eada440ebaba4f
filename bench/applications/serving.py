"""Runs an application's server on a fresh copy of its data."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

_START_SECONDS = 60.0
_END_SECONDS = 10.0


class NotServed(Exception):
    """The server did not come up; the text has the end of its log."""


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def served(
    command: Sequence[str], port: int, *, log: Path, folder: Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[None]:
    """A server from when it takes connections to the end of the context; all it started ends with it.

    Raises:
        NotServed.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            env={**os.environ, **(environ or {})}, start_new_session=True,
        )  # fmt: skip
    try:
        await _listening(process, port, log)
        yield
    finally:
        await _end(process)


async def _listening(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    give_up_at = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up_at:
        if process.returncode is not None:
            break
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)
    raise NotServed(f"no server on port {port}, its log:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the process and the session of processes it leads."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _END_SECONDS)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
