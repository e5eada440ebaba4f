"""A control plane and one host on this machine, started and ended in order."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tabkeep import endpoint
from tabkeep.calls import RetryPolicy
from tabkeep.cli.child_process import ChildProcess
from tabkeep.client import Client
from tabkeep.errors import TabkeepError
from tabkeep.records.administration import HostState

_T = TypeVar("_T")

CONTROL_PLANE = "control plane"
HOST = "host"
STOP_SECONDS = 15.0
"""How long each program may take to end; the host closes its browsers within 3 s."""
_POLL_SECONDS = 0.2
_PRIVATE = ("TABKEEP_API_KEY", "TABKEEP_API_KEY_FILE")


@dataclass(frozen=True, slots=True)
class StackSettings:
    """What to start, and where."""

    data_dir: Path
    grpc_address: str
    http_address: str = ""
    """Empty: no HTTP."""
    capacity: int | None = None
    allow_private: str | None = None
    """Destinations, separated by commas; None: what the environment says."""
    proxy_locations: Path | None = None
    log_level: str | None = None
    log_to_stderr: bool = False
    start_timeout: timedelta = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Ready:
    """What a running stack can be reached by."""

    grpc_address: str
    http_address: str
    """Empty when it is not served."""
    api_key_file: Path
    host_token_file: Path
    control_plane_pid: int
    host_pid: int
    data_dir: Path


class StackError(Exception):
    """The stack could not be started, or one of its programs ended; the text says which and why."""


class LocalStack:
    """The two programs; whoever starts it stops it, also after a failed start."""

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self._control_plane: ChildProcess | None = None
        self._host: ChildProcess | None = None

    async def start(self) -> Ready:
        """Start both programs and return when the control plane serves and the host takes sessions.

        Raises:
            StackError: one of them ended, or they are not ready after `start_timeout`.
        """
        try:
            async with asyncio.timeout(self._settings.start_timeout.total_seconds()):
                return await self._start()
        except TimeoutError:
            seconds = self._settings.start_timeout.total_seconds()
            late = HOST if self._host is not None else CONTROL_PLANE
            raise StackError(f"the {late} is not ready after {seconds:g} s{self._log_hint(late)}") from None

    async def failure(self) -> StackError:
        """Wait until one of the programs ends by itself and return what to say about it."""
        waits = {asyncio.create_task(child.ended()): child for child in self._children()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._ended(waits[done.pop()])

    async def stop(self) -> list[str]:
        """End the host, then the control plane; return the names of those that had to be killed."""
        children = [child for child in (self._host, self._control_plane) if child is not None]
        return [child.name for child in children if not await child.stop(STOP_SECONDS)]

    def kill(self) -> None:
        """End both at once."""
        for child in self._children():
            child.kill()

    async def _start(self) -> Ready:
        settings = self._settings
        ready_line: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self._control_plane = await ChildProcess.start(
            CONTROL_PLANE,
            "control_plane",
            self._environment(
                TABKEEP_GRPC_ADDRESS=settings.grpc_address,
                TABKEEP_HTTP_ADDRESS=settings.http_address,
                TABKEEP_PROXY_LOCATIONS=settings.proxy_locations,
            ),
            log_path=self._log_path(CONTROL_PLANE),
            heard=lambda line: _hear(line, ready_line),
        )
        said = await self._unless_ended(self._control_plane, ready_line)
        address, key_file = said["grpc_address"], Path(said["api_key_file"])
        host_id = os.environ.get("TABKEEP_HOST_ID") or "local"
        self._host = await ChildProcess.start(
            HOST,
            "browser_host",
            self._environment(
                TABKEEP_CONTROL_PLANE=address,
                TABKEEP_HOST_TOKEN_FILE=said["host_token_file"],
                TABKEEP_HOST_ID=host_id,
                TABKEEP_DRAIN_TIMEOUT="0",
                TABKEEP_CAPACITY=settings.capacity,
                TABKEEP_ALLOW_PRIVATE=settings.allow_private,
            ),
            log_path=self._log_path(HOST),
        )
        # gRPC is used only from here on: programs are best started by a process without its threads.
        await self._unless_ended(self._control_plane, asyncio.ensure_future(_until_serving(address)))
        attached = _until_attached(address, endpoint.read_key(key_file), host_id)
        await self._unless_ended(self._host, asyncio.ensure_future(attached))
        return Ready(
            address,
            said.get("http_address", ""),
            key_file,
            Path(said["host_token_file"]),
            self._control_plane.pid,
            self._host.pid,
            settings.data_dir,
        )

    async def _unless_ended(self, child: ChildProcess, fact: asyncio.Future[_T]) -> _T:
        ended = asyncio.create_task(child.ended())
        try:
            both: set[asyncio.Future[Any]] = {ended, fact}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not fact.done():
                raise self._ended(child)
            return fact.result()
        finally:
            ended.cancel()
            fact.cancel()

    def _environment(self, **more: object) -> dict[str, str]:
        settings = self._settings
        given = {"TABKEEP_DATA_DIR": settings.data_dir, "TABKEEP_LOG_LEVEL": settings.log_level, **more}
        inherited = {name: value for name, value in os.environ.items() if name not in _PRIVATE}
        return inherited | {name: str(value) for name, value in given.items() if value is not None}

    def _children(self) -> list[ChildProcess]:
        return [child for child in (self._control_plane, self._host) if child is not None]

    def _ended(self, child: ChildProcess) -> StackError:
        status = child.returncode or 0
        how = f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"
        last = "".join(f"\n  {line}" for line in child.tail)
        return StackError(f"the {child.name} {how}{self._log_hint(child.name)}{last}")

    def _log_path(self, name: str) -> Path | None:
        if self._settings.log_to_stderr:
            return None
        return self._settings.data_dir / "logs" / f"{name.replace(' ', '-')}.log"

    def _log_hint(self, name: str) -> str:
        path = self._log_path(name)
        return f"; its log is {path}" if path else ""


def _hear(line: bytes, ready: asyncio.Future[dict[str, str]]) -> None:
    if ready.done():
        return
    try:
        said = json.loads(line)
    except ValueError:
        return
    if isinstance(said, dict) and said.get("event") == "ready":
        ready.set_result(said)


async def _until_serving(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        while True:
            try:
                answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=2.0)
            except grpc.aio.AioRpcError:
                answer = None
            if answer is not None and answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
            await asyncio.sleep(_POLL_SECONDS)


async def _until_attached(address: str, api_key: str, host_id: str) -> None:
    async with Client(api_key, address, retry=RetryPolicy(max_attempts=1)) as client:
        while True:
            try:
                hosts = await client.list_hosts()
            except TabkeepError:
                hosts = []
            if any(host.host_id == host_id and host.state is HostState.READY for host in hosts):
                return
            await asyncio.sleep(_POLL_SECONDS)
