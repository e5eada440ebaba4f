"""The host as a program that a test starts, reads and may kill."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from browser_host.kernel import processes
from tests.conftest import SANDBOX
from tests.host_control_plane import TOKEN


@dataclass
class Program:
    """A running `python -m browser_host`."""

    process: asyncio.subprocess.Process
    data_dir: Path
    log: list[dict[str, object]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    reading: asyncio.Task[None] | None = None

    async def read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.words.append(line.decode().strip())

    async def exit_code(self, seconds: float = 30) -> int:
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
        assert self.reading is not None
        await self.reading
        return code

    def browsers(self) -> list[psutil.Process]:
        return processes.processes_of(self.data_dir)


def _write_token(data_dir: Path) -> None:
    data_dir.mkdir(exist_ok=True)
    (data_dir / "host-token").write_text(TOKEN + "\n")


@asynccontextmanager
async def a_program(
    data_dir: Path, control_plane: str, *, command: tuple[str, ...] = ("-m", "browser_host"), **settings: str
) -> AsyncIterator[Program]:
    _write_token(data_dir)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TABKEEP_")}
    environment |= {
        "TABKEEP_DATA_DIR": str(data_dir),
        "TABKEEP_CONTROL_PLANE": control_plane,
        "TABKEEP_HOST_ID": "host-1",
        "TABKEEP_CAPACITY": "4",
        "TABKEEP_WARM_BROWSERS": "0",
        **({} if SANDBOX else {"TABKEEP_ALLOW_UNSANDBOXED": "1"}),
        **settings,
    }
    # Browsers of a directory with a long path put their sockets there; a killed host leaves it behind.
    temporary = tempfile.mkdtemp(prefix="tk-")
    os.chmod(temporary, 0o711)  # noqa: PTH101
    environment["TMPDIR"] = temporary
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, stderr=asyncio.subprocess.PIPE, limit=2**20
    )
    program = Program(process, data_dir)
    program.reading = asyncio.create_task(program.read())
    try:
        yield program
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await program.reading
        await processes.end_processes_of(data_dir)
        shutil.rmtree(temporary)
