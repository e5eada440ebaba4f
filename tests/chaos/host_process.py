"""A real host with its guardian, drivers and browsers, as faults need it: killed, stopped, started again, counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import psutil

from browser_host.kernel import processes
from tests.conftest import SANDBOX
from tests.waiting import until

END_SECONDS = 40.0
GONE_SECONDS = 15.0
"""How long what belongs to a host that was killed may live on, at the most. A busy machine is slow."""


class HostProcess:
    """`python -m tests.chaos.faulty_host` in a data directory of its own."""

    def __init__(self, data_dir: Path, host_id: str, control_plane: str, token_file: Path, **variables: str) -> None:
        self.data_dir = data_dir
        self.host_id = host_id
        self.log: list[dict[str, object]] = []
        """Its lines, and its guardian's, of all its lives."""
        self.last_words = ""
        # The browsers' temporary files; a host must leave nothing here.
        self.temporary = Path(tempfile.mkdtemp(prefix="tk-"))
        self.temporary.chmod(0o711)  # for the users that browsers run as
        self._variables = {
            "TABKEEP_DATA_DIR": str(data_dir),
            "TABKEEP_CONTROL_PLANE": control_plane,
            "TABKEEP_HOST_TOKEN_FILE": str(token_file),
            "TABKEEP_HOST_ID": host_id,
            "TABKEEP_CAPACITY": "8",
            "TABKEEP_DRAIN_TIMEOUT": "0",
            "TABKEEP_WARM_BROWSERS": "0",
            "TABKEEP_ALLOW_PRIVATE": "127.0.0.0/8,localhost,10.213.0.0/16",
            **({} if SANDBOX else {"TABKEEP_ALLOW_UNSANDBOXED": "1"}),
            "TMPDIR": str(self.temporary),
            **variables,
        }
        self._process: asyncio.subprocess.Process | None = None
        self._reading: list[asyncio.Task[None]] = []
        self._family: set[psutil.Process] = set()
        self._attached_before = 0

    @property
    def pid(self) -> int:
        """Of the host's own process in its present or last life."""
        assert self._process is not None
        return self._process.pid

    async def start(self, *prefix: str, **variables: str) -> None:
        """Begin a life; it attaches in its own time. `variables` are for this life only."""
        self._attached_before = len(self.said("attached"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TABKEEP_")}
        self._process = await asyncio.create_subprocess_exec(
            *prefix, sys.executable, "-m", "tests.chaos.faulty_host",
            env={**environment, **self._variables, **variables}, stderr=asyncio.subprocess.PIPE, limit=2**20,
        )  # fmt: skip
        self._reading.append(asyncio.create_task(self._read(self._process)))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.last_words = line.decode(errors="replace").strip()

    def attached_in_this_life(self) -> bool:
        """Whether it was welcomed since it was last started."""
        return len(self.said("attached")) > self._attached_before

    def said(self, message: str) -> list[dict[str, object]]:
        """Lines of the log with these words."""
        return [line for line in self.log if line["message"] == message]

    async def ended(self, seconds: float = END_SECONDS) -> int:
        """Wait for the end of its own process; returns the exit status, negative after a signal."""
        process = self._process
        assert process is not None
        # Not `wait`: that also waits for the end of whoever else holds its standard error, as its guardian does.
        await until(lambda: process.returncode is not None, f"the end of {self.host_id}", seconds)
        assert process.returncode is not None
        return process.returncode

    # The processes that belong to it.

    def children(self) -> list[psutil.Process]:
        """Its guardian and its drivers."""
        return psutil.Process(self.pid).children()

    def guardian(self) -> psutil.Process:
        """Its guardian."""
        return next(one for one in self.children() if "guardian.py" in " ".join(one.cmdline()))

    def driver(self) -> psutil.Process:
        """The Playwright driver of its first browsers."""
        return next(one for one in self.children() if one.cmdline()[-1:] == ["run-driver"])

    def browsers(self, fence: int | None = None) -> list[psutil.Process]:
        """Every process of its browsers, or of one placement's."""
        return processes.processes_of(self.data_dir) if fence is None else _of(self.data_dir, fence)

    def main_process(self, fence: int) -> psutil.Process:
        """The browser process of a placement."""
        return next(one for one in self.browsers(fence) if os.getpgid(one.pid) == one.pid and not _type(one))

    def renderer(self, fence: int) -> psutil.Process:
        """A renderer of a placement's browser, the busiest."""
        renderers = [one for one in self.browsers(fence) if _type(one) == "renderer"]
        return max(renderers, key=lambda one: one.memory_info().rss)

    def remember(self) -> None:
        """Note every process that belongs to it now, so that `is_gone` can say whether one is left."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._family |= set(psutil.Process(self.pid).children(recursive=True))
        self._family |= set(self.browsers())

    def left_running(self) -> set[psutil.Process]:
        """Processes of all its lives that live still, when its own has ended."""
        return {one for one in (*self._family, *self.browsers()) if alive(one)}

    def left(self) -> list[str]:
        """What is left of all its lives, when its own process has ended: processes and files, in words."""
        words = [f"process {one.pid} {_words(one)}" for one in self.left_running()]
        browsers = self.data_dir / "host" / "browsers"
        words += [f"directory {one}" for one in (browsers.iterdir() if browsers.exists() else ())]
        # The root of temporary directories stays, empty, for the next life to remove.
        words += [
            f"file {one}" for root in self.temporary.iterdir() for one in (root.iterdir() if root.is_dir() else [root])
        ]
        link = self.data_dir / "host" / "cgroup"
        words += [f"cgroup {link.readlink()}"] if link.is_symlink() and link.exists() else []
        return words

    async def nothing_left(self) -> None:
        """Wait until nothing is left.

        Raises:
            AssertionError: something stays.
        """
        try:
            await until(lambda: not self.left(), "the end of all that belongs to the host", GONE_SECONDS)
        except AssertionError:
            raise AssertionError(f"left of {self.host_id}: {self.left()[:5]}") from None

    # Its end.

    async def kill(self) -> None:
        """kill -9 of its own process, and wait for its end."""
        self.remember()
        os.kill(self.pid, signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """SIGTERM with a drain timeout of nothing; returns the exit status."""
        self.remember()
        os.kill(self.pid, signal.SIGTERM)
        return await self.ended()

    async def clear(self) -> None:
        """End whatever there is, at the end of a test that may have failed."""
        if self._process is not None and self._process.returncode is None:
            self.remember()
            self._process.kill()
            await self.ended()
        await processes.end_processes_of(self.data_dir)
        for one in self._family:
            if alive(one):
                one.kill()
        with contextlib.suppress(AssertionError):
            await until(lambda: not any(map(alive, self._family)), "the end of the family", GONE_SECONDS)
        if self._reading:  # each ends with the last process that writes there
            await asyncio.wait(self._reading, timeout=GONE_SECONDS)
        shutil.rmtree(self.temporary, ignore_errors=True)


def alive(process: psutil.Process) -> bool:
    """Whether this very process lives and is no zombie."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def _of(data_dir: Path, fence: int) -> list[psutil.Process]:
    roots = list((data_dir / "host" / "browsers").glob(f"{fence}-*"))
    return [one for root in roots for one in processes.processes_of(root)]


def _type(process: psutil.Process) -> str:
    """Chromium's kind of a process: renderer, gpu-process, …; empty for the browser process."""
    try:
        arguments = process.cmdline()
    except psutil.Error:
        return "gone"
    kinds = [argument.partition("=")[2] for argument in arguments if argument.startswith("--type=")]
    return kinds[0] if kinds else ("crash-handler" if any("crashpad" in part for part in arguments[:1]) else "")


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:120]
    except psutil.Error:
        return ""
