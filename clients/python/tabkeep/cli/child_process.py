"""A program that `tabkeep up` runs: tied to it, its output kept in a log file that is rotated by size."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Self

LOG_BYTES = 10 * 1024 * 1024
"""The size at which a log file is put aside."""
LOG_FILES = 3
"""How many are kept beside the present one."""
TAIL_LINES = 10
_MAX_LINE = 64 * 1024


class RotatingLog:
    """A log file; when it has grown to LOG_BYTES it becomes NAME.1, what was NAME.1 becomes NAME.2, and so on."""

    def __init__(self, path: Path, *, max_bytes: int = LOG_BYTES, kept: int = LOG_FILES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._opened()

    def write(self, data: bytes) -> None:
        """Append whole lines, at once."""
        if self._file.tell() + len(data) > self._max_bytes and self._file.tell() > 0:
            self._file.close()
            for number in range(self._kept, 0, -1):
                older = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
                if older.exists():
                    older.replace(self._path.with_name(f"{self._path.name}.{number}"))
            self._file = self._opened()
        self._file.write(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _opened(self) -> BinaryIO:
        # Logs name sessions and hosts; they are their owner's business.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        file = os.fdopen(descriptor, "ab", buffering=0)
        file.seek(0, os.SEEK_END)
        return file


class ChildProcess:
    """One running program.

    It leads a process group of its own, so that Ctrl-C reaches only the starter, which ends its children in order.
    """

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, log: RotatingLog | None, heard: Callable[[bytes], None]
    ) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._log = log
        self._heard = heard
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        assert process.stdout is not None
        assert process.stderr is not None
        self._readers = [
            asyncio.create_task(self._read(process.stdout, heard)),
            asyncio.create_task(self._read(process.stderr, None)),
        ]

    @classmethod
    async def start(
        cls,
        name: str,
        module: str,
        environment: Mapping[str, str],
        *,
        log_path: Path | None,
        heard: Callable[[bytes], None] = lambda line: None,
    ) -> Self:
        """Start `python -m module`; `heard` gets each line of its standard output.

        Its output goes to `log_path`, or to standard error when that is None.
        """
        log = RotatingLog(log_path) if log_path else None
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a folder that happens to be called like a program must not be run in its place
            "-m",
            "tabkeep.cli.tied",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        return cls(name, process, log, heard)

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.returncode

    @property
    def tail(self) -> list[str]:
        """The last lines of its output."""
        return list(self._tail)

    async def ended(self) -> int:
        """Wait until the program has ended and all its output is read; return its exit status."""
        status = await self._process.wait()
        # A grandchild may hold the pipes open for longer; what the program itself wrote is read long before.
        await asyncio.wait(self._readers, timeout=1.0)
        return status

    async def stop(self, grace_seconds: float) -> bool:
        """Ask it to end; kill it when it has not after that time. Return whether it went by itself."""
        willing = True
        if self.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(grace_seconds):
                    await self._process.wait()
            except TimeoutError:
                willing = False
                self.kill()
        await self.ended()
        for reader in self._readers:
            reader.cancel()
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._log is not None:
            self._log.close()
        return willing

    def kill(self) -> None:
        """End it at once."""
        if self.returncode is None:
            self._process.kill()

    async def _read(self, stream: asyncio.StreamReader, heard: Callable[[bytes], None] | None) -> None:
        rest = b""
        while data := await stream.read(_MAX_LINE):
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > _MAX_LINE:
                lines.append(rest)
                rest = b""
            for line in lines:
                self._keep(line)
                if heard is not None:
                    heard(line)
        if rest:
            self._keep(rest)

    def _keep(self, line: bytes) -> None:
        self._tail.append(line.decode(errors="replace"))
        if self._log is not None:
            self._log.write(line + b"\n")
        else:
            sys.stderr.buffer.write(line + b"\n")
            sys.stderr.buffer.flush()
