"""The real programs of the soak, which outlive its faults: who dies is started again where it was."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.chaos.control_plane_program import ControlPlaneProgram

LEASES = {
    "TABKEEP_HEARTBEAT_INTERVAL_SECONDS": "1",
    "TABKEEP_ACTION_LEASE_SECONDS": "5",
    "TABKEEP_HOLDING_LEASE_SECONDS": "20",
    "TABKEEP_LAUNCH_TIMEOUT_SECONDS": "60",
}


class ControlPlanes:
    """One control plane after another on one database and one address."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.starts = 0
        self._address = "127.0.0.1:0"
        self.program: ControlPlaneProgram

    async def start(self) -> None:
        """Start it, or start it again."""
        self.program = await ControlPlaneProgram(self.data_dir, TABKEEP_GRPC_ADDRESS=self._address, **LEASES).start()
        self._address = self.program.address
        self.starts += 1

    @property
    def address(self) -> str:
        return self._address

    @property
    def log(self) -> Path:
        return self.program._errors


class RealHost:
    """A browser host with Chromium, its data and its temporary files in a folder of its own."""

    def __init__(self, folder: Path, name: str, control_planes: ControlPlanes) -> None:
        self.name = name
        self.folder = folder / name
        self.log = folder / f"{name}.log"
        self._control_planes = control_planes
        # A browser's socket is in it, and its path may have 107 bytes.
        self.temporary = Path(tempfile.mkdtemp(prefix="tk"))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; it attaches in its own time."""
        self.folder.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "TABKEEP_DATA_DIR": str(self.folder),
            "TABKEEP_CONTROL_PLANE": self._control_planes.address,
            "TABKEEP_HOST_TOKEN_FILE": str(self._control_planes.data_dir / "host-token"),
            "TABKEEP_HOST_ID": self.name,
            "TABKEEP_CAPACITY": "2",
            "TABKEEP_ALLOW_PRIVATE": "127.0.0.0/8,localhost",
            "TABKEEP_DRAIN_TIMEOUT": "0",
            "TABKEEP_LOG_LEVEL": "WARNING",
            "GRPC_VERBOSITY": "NONE",
            "TMPDIR": str(self.temporary),
        }
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "browser_host", stderr=log, env=environment
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def ended(self) -> int:
        """Wait for its end."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), 60)

    def last_words(self) -> str:
        """The last lines of its log."""
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-3:])

    def minds(self, number: int) -> bool:
        """Whether its process has a handler for the signal by now."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        except OSError:
            return False  # it has just ended
        caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught, 16) >> (number - 1) & 1)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def children(self, *words: str) -> list[psutil.Process]:
        """Its processes below it whose command line holds all the words."""
        return [one for one, line in _with_command_lines(self.pid) if all(word in line for word in words)]

    def browsers(self) -> list[psutil.Process]:
        """Whatever process names its folder, whoever's child it is, but for the host and its guardian."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            line = " ".join(process.info["cmdline"] or ())
            if f"--user-data-dir={self.folder}" in line:
                found.append(process)
        return found

    def files(self) -> list[str]:
        """What is in its folders, as far as one life leaves it to the next."""
        return sorted(str(path) for folder in (self.folder, self.temporary) for path in folder.rglob("*"))


def _with_command_lines(pid: int) -> Iterator[tuple[psutil.Process, str]]:
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                yield child, " ".join(child.cmdline())


async def end(programs: ControlPlanes, hosts: list[RealHost]) -> None:
    """End everything that still runs, hosts first."""
    for host in hosts:
        if host.running:
            host.signal(signal.SIGCONT)
            host.signal(signal.SIGTERM)
    for host in hosts:
        try:
            await host.ended()
        except TimeoutError:
            host.signal(signal.SIGKILL)
            await host.ended()
        shutil.rmtree(host.temporary, ignore_errors=True)
    with contextlib.suppress(ProcessLookupError):
        programs.program.signal(signal.SIGCONT)
        programs.program.signal(signal.SIGTERM)
    try:
        await programs.program.ended()
    finally:
        await programs.program.kill()


async def held(pid: int, log: Path) -> dict[str, float]:
    """What a process holds; tasks and threads as it says itself."""
    begins = os.path.getsize(log)  # noqa: ASYNC240, PTH202 - a moment
    os.kill(pid, signal.SIGUSR1)
    said = None
    async with asyncio.timeout(20):
        while said is None:
            await asyncio.sleep(0.1)
            with log.open() as lines:
                lines.seek(begins)
                for line in lines:
                    if '"what is held"' in line and line.endswith("\n"):
                        said = json.loads(line)
    process = psutil.Process(pid)
    return {
        "file descriptors": process.num_fds(),
        "tasks": said["tasks"],
        "threads": said["threads"],
        "processes below": len(process.children(recursive=True)),
        "MiB": process.memory_info().rss / 2**20,
        **{f"tasks in {kind}": count for kind, count in said["kinds"].items()},
    }
