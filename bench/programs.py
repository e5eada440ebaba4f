"""Starts the programs a question needs and ends them again: those it started, by their process ids, and no others."""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
import psutil
from tabkeep.v1 import hosts_pb2, hosts_pb2_grpc

START_SECONDS = 60.0
END_SECONDS = 15.0
ANSWER_SECONDS = 180.0
_LONGEST_LINE = 64 * 1024 * 1024


T = TypeVar("T")


class ProgramFailed(Exception):
    """A program did not start, or ended before its time; the text says where its log is."""


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, where a SIGTERM too ends the programs that were started; the exit status is then 143."""
    terminated = False

    async def terminable() -> T:
        working = asyncio.ensure_future(work)

        def terminate() -> None:
            nonlocal terminated
            if not terminated:
                terminated = True
                working.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
        return await working

    try:
        return asyncio.run(terminable())
    except asyncio.CancelledError:
        if not terminated:
            raise
        raise SystemExit(128 + signal.SIGTERM) from None


class Program:
    """A running program that speaks JSON lines: one when it is ready, then one answer to each request."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.ready: dict[str, Any] = {}
        """What it said when it was ready."""
        self._process = process
        self._log = log
        self._watched = psutil.Process(process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def read(self, timeout: float) -> dict[str, Any]:
        """The next line.

        Raises:
            ProgramFailed: it ended, or said nothing for `timeout` seconds.
        """
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), timeout)
        except TimeoutError:
            raise ProgramFailed(f"{self.name} said nothing for {timeout:g} s, its log:\n{self.tail()}") from None
        if not line:
            raise ProgramFailed(f"{self.name} ended, its log:\n{self.tail()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]

    def check(self) -> None:
        """Raise ProgramFailed if it has ended."""
        if self._process.returncode is not None:
            raise ProgramFailed(f"{self.name} ended, its log:\n{self.tail()}")

    async def ask(self, *, timeout: float = ANSWER_SECONDS, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer, at most `timeout` seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        await self._process.stdin.drain()
        return await self.read(timeout)

    def cpu_seconds(self) -> float:
        """Processor time it took so far."""
        times = self._watched.cpu_times()
        return times.user + times.system

    def memory_bytes(self) -> int:
        """Memory that is its own and no other process's."""
        return int(self._watched.memory_full_info().uss)

    async def end(self) -> None:
        """Ask it to end, and insist if it does not."""
        if self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def enter(cgroup: Path | None, pid: int) -> None:
    """Put a process that has started nothing yet into a cgroup."""
    if cgroup is not None:
        (cgroup / "cgroup.procs").write_text(str(pid))


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where a question is measured: a directory of its own, and how much of everything there may be."""

    directory: Path
    quick: bool

    def some(self, full: int, quick: int) -> int:
        """A number, or a smaller one in a quick run."""
        return quick if self.quick else full

    @contextlib.asynccontextmanager
    async def program(
        self,
        name: str,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        tells_ready: bool = True,
        python: Path | str = sys.executable,
    ) -> AsyncIterator[Program]:
        """`python -m arguments…`, from when it is ready to the end of the context; `name` names its log."""
        log = self.directory / f"{name}.log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                python, "-m", *arguments,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors,
                env={**os.environ, **(environ or {})}, limit=_LONGEST_LINE,
            )  # fmt: skip
        program = Program(name, process, log)
        try:
            if tells_ready:
                program.ready = await program.read(START_SECONDS)
            yield program
        finally:
            await program.end()

    @contextlib.asynccontextmanager
    async def control_plane(self, name: str = "control-plane", **settings: str) -> AsyncIterator[ControlPlane]:
        """A control plane on a free port, its data in a directory called `name`, with its usual settings."""
        data_dir = self.directory / name
        environ = {
            "TABKEEP_DATA_DIR": str(data_dir),
            "TABKEEP_GRPC_ADDRESS": "127.0.0.1:0",
            "TABKEEP_MINIMUM_FREE_MIB": "0",
            "TABKEEP_FIRST_HOST_TOKEN_FOR": "*",
            **settings,
        }
        async with self.program(name, "control_plane", environ=environ) as program:
            ready = program.ready
            yield ControlPlane(
                program, ready["grpc_address"], Path(ready["api_key_file"]), Path(ready["host_token_file"])
            )

    @contextlib.asynccontextmanager
    async def browser_host(
        self, control_plane: ControlPlane, capacity: int, *, cgroup: Path | None = None, **settings: str
    ) -> AsyncIterator[Program]:
        """A browser host with its usual settings and room for `capacity` sessions, once it is attached.

        It and all it starts are in `cgroup`, if one is given.
        """
        environ = {
            "TABKEEP_DATA_DIR": str(self.directory / "host"),
            "TABKEEP_CONTROL_PLANE": control_plane.address,
            "TABKEEP_HOST_TOKEN_FILE": str(control_plane.host_token_file),
            "TABKEEP_HOST_ID": "bench",
            "TABKEEP_CAPACITY": str(capacity),
            "TABKEEP_DRAIN_TIMEOUT": "0",
            "TABKEEP_WARM_BROWSERS": "0",
            "TABKEEP_ALLOW_PRIVATE": "127.0.0.1",
            **settings,
        }
        async with self.program("browser-host", "browser_host", environ=environ, tells_ready=False) as program:
            enter(cgroup, program.pid)
            await self._attached(control_plane, program)
            yield program

    async def _attached(self, control_plane: ControlPlane, host: Program) -> None:
        metadata = (("x-api-key", control_plane.api_key),)
        async with grpc.aio.insecure_channel(control_plane.address) as channel:
            stub: Any = hosts_pb2_grpc.HostServiceStub(channel)
            give_up_at = time.monotonic() + START_SECONDS
            while time.monotonic() < give_up_at:
                hosts = (await stub.ListHosts(hosts_pb2.ListHostsRequest(), metadata=metadata)).hosts
                if any(host.state == hosts_pb2.HOST_STATE_READY for host in hosts):
                    return
                host.check()
                await asyncio.sleep(0.1)
        raise ProgramFailed(f"{host.name} did not attach within {START_SECONDS:g} s, its log:\n{host.tail()}")

    @contextlib.asynccontextmanager
    async def simulated_hosts(
        self, address: str, token: str, *, hosts: int, capacity: int, name: str = "simulated-hosts"
    ) -> AsyncIterator[Program]:
        """One process with so many hosts, all attached, each with room for `capacity` sessions."""
        environ = {"BENCH_HOST_TOKEN": token}
        async with self.program(
            name, "bench.simulated_host", address, str(hosts), str(capacity), environ=environ
        ) as program:
            yield program


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane."""

    program: Program
    address: str
    api_key_file: Path
    host_token_file: Path

    @property
    def api_key(self) -> str:
        return self.api_key_file.read_text().strip()

    @property
    def host_token(self) -> str:
        return self.host_token_file.read_text().strip()
