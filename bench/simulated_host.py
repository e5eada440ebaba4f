"""Many hosts without browsers in one process: they speak the whole host protocol over gRPC and do all they are told.

`python -m bench.simulated_host ADDRESS HOSTS CAPACITY`, with the host token in BENCH_HOST_TOKEN. Ready once all are
attached. Requests: {"what": "launched" or "acknowledged", "count"}: wait until so many browsers were reported up, or so
many StartRun answers acknowledged, since the last time; the answer has when, by id. {"what": "finish_runs"}: end the
runs that are active, and wait until their last events are stored.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import asyncio
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import browser_sessions_pb2, hosts_pb2, runs_pb2

from bench import json_lines

PATIENCE = 60.0
"""Seconds after which what was asked for has failed."""
_MAX_QUEUE = 20_000
"""Messages that wait to be written; a host with more is told too much at once and fails."""
_VERSION = "Chromium 1.2.3"


@dataclass(slots=True)
class _Session:
    fence: int
    run_id: str = ""


class Tally:
    """What happened on all hosts since it was last asked for."""

    def __init__(self) -> None:
        self.launched: dict[str, float] = {}
        """When each browser was reported up, by session."""
        self.acknowledged: dict[str, float] = {}
        """When each answer to a StartRun was acknowledged, by run."""
        self.finished: dict[str, float] = {}
        """When the last event of each run was acknowledged."""
        self._changed = asyncio.Event()

    def note(self, table: dict[str, float], key: str) -> None:
        """Something happened now."""
        table[key] = time.monotonic()
        self._changed.set()

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE):
            while not reached():
                self._changed.clear()
                await self._changed.wait()


class SimulatedHost:
    """One host: a stream, a writer, a heart."""

    def __init__(self, address: str, token: str, host_id: str, capacity: int, tally: Tally) -> None:
        self._host_id = host_id
        self._capacity = capacity
        self._tally = tally
        self._channel = grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        stub: Any = host_pb2_grpc.HostControlServiceStub(self._channel)
        self._call: Any = stub.Attach(metadata=(("x-api-key", token),))
        self._outgoing: asyncio.Queue[host_pb2.AttachRequest] = asyncio.Queue(_MAX_QUEUE)
        self._stream_no = 0
        self._heartbeat_no = 1
        self._sessions: dict[str, _Session] = {}
        self._started_by: dict[int, str] = {}
        """The run that each StartRun began, by the command, until its answer is acknowledged."""

    async def attach(self) -> float:
        """Introduce the host; returns the seconds between its heartbeats."""
        hello = host_pb2.Hello(
            host_id=self._host_id,
            incarnation=secrets.token_hex(16),
            protocol_min=1,
            protocol_max=1,
            build="bench",
            capacity=self._capacity,
            browsers=[hosts_pb2.BrowserOffer(browser_type=browser_sessions_pb2.BROWSER_TYPE_CHROME, version=_VERSION)],
            sandboxed=True,
            heartbeat_no=self._heartbeat_no,
        )
        await self._call.write(host_pb2.AttachRequest(hello=hello))
        first = await self._call.read()
        if first is grpc.aio.EOF:
            raise RuntimeError(f"{self._host_id} was refused: {await self._call.details()}")
        self._stream_no = first.stream_no
        interval: float = first.welcome.heartbeat_interval.ToTimedelta().total_seconds()
        return interval

    async def serve(self, heartbeat_seconds: float) -> None:
        """Do what is asked until cancelled; raises when the stream ends."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write())
            group.create_task(self._beat(heartbeat_seconds))
            group.create_task(self._read())

    async def _write(self) -> None:
        while True:
            await self._call.write(await self._outgoing.get())

    async def _beat(self, seconds: float) -> None:
        # Hosts of one process were attached together; a real fleet's hearts do not beat as one.
        await asyncio.sleep(seconds * secrets.randbelow(1000) / 1000)
        while True:
            self._heartbeat_no += 1
            self._send(heartbeat=host_pb2.Heartbeat(heartbeat_no=self._heartbeat_no, available_memory_bytes=2**30))
            await asyncio.sleep(seconds)

    async def _read(self) -> None:
        while (response := await self._call.read()) is not grpc.aio.EOF:
            kind = response.WhichOneof("message")
            if kind == "command":
                self._obey(response.command)
            elif kind == "command_result_ack":
                if run_id := self._started_by.pop(response.command_result_ack.command_id, ""):
                    self._tally.note(self._tally.acknowledged, run_id)
            elif kind == "event_ack":
                self._tally.note(self._tally.finished, response.event_ack.run_id)
        raise RuntimeError(f"the stream of {self._host_id} ended: {await self._call.details()}")

    def _send(self, **message: Any) -> None:
        self._outgoing.put_nowait(host_pb2.AttachRequest(stream_no=self._stream_no, **message))

    def _obey(self, command: host_pb2.Command) -> None:
        result = host_pb2.CommandResult(command_id=command.command_id)
        kind, session_id = command.WhichOneof("kind"), command.browser_session_id
        if kind == "launch":
            self._sessions[session_id] = _Session(command.fence)
            result.launched.browser_version = _VERSION
            result.launched.age.FromMilliseconds(1)
            self._tally.note(self._tally.launched, session_id)
        else:
            result.done.SetInParent()
        if kind == "start_run":
            self._started_by[command.command_id] = command.start_run.run_id
            self._sessions.setdefault(session_id, _Session(command.fence)).run_id = command.start_run.run_id
        self._send(command_result=result)
        if kind == "close":
            self._sessions.pop(session_id, None)
            self._send(
                tombstone=host_pb2.Tombstone(
                    browser_session_id=session_id,
                    fence=command.fence,
                    reason=browser_sessions_pb2.CLOSE_REASON_REQUESTED,
                )
            )

    def finish_runs(self) -> list[str]:
        """Send the last event of each active run; returns the runs."""
        finished: list[str] = []
        batch: list[host_pb2.HostedEvent] = []
        for session_id, session in self._sessions.items():
            if not session.run_id:
                continue
            event = runs_pb2.RunEvent(
                run_id=session.run_id, seq=1, run_finished=runs_pb2.RunFinished(status=runs_pb2.RUN_STATUS_COMPLETED)
            )
            batch.append(host_pb2.HostedEvent(browser_session_id=session_id, fence=session.fence, event=event))
            finished.append(session.run_id)
            session.run_id = ""
        for start in range(0, len(batch), 256):
            self._send(event_batch=host_pb2.EventBatch(events=batch[start : start + 256]))
        return finished

    async def close(self) -> None:
        """Break off."""
        self._call.cancel()
        await self._channel.close()


async def _answer(request: dict[str, Any], hosts: list[SimulatedHost], tally: Tally) -> dict[str, Any]:
    if request["what"] == "finish_runs":
        ended = [run_id for host in hosts for run_id in host.finish_runs()]
        await tally.until(lambda: len(tally.finished) >= len(ended))
        tally.finished.clear()
        return {"runs": len(ended)}
    table = tally.launched if request["what"] == "launched" else tally.acknowledged
    await tally.until(lambda: len(table) >= request["count"])
    answer = {"at": dict(table)}
    table.clear()
    return answer


async def main(address: str, count: int, capacity: int) -> None:
    """Be so many hosts until the end."""
    tally, token = Tally(), os.environ["BENCH_HOST_TOKEN"]
    hosts = [SimulatedHost(address, token, f"simulated-{number}", capacity, tally) for number in range(1, count + 1)]
    intervals = [await host.attach() for host in hosts]
    serving = asyncio.gather(*(host.serve(seconds) for host, seconds in zip(hosts, intervals, strict=True)))
    answering = asyncio.ensure_future(_answer_all(hosts, tally))
    json_lines.say(event="ready")
    either: list[asyncio.Future[Any]] = [serving, answering]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    broken = serving.exception() if serving.done() else None
    for task in (serving, answering):
        task.cancel()
    await asyncio.gather(serving, answering, return_exceptions=True)
    for host in hosts:
        await host.close()
    if broken is not None:
        raise broken


async def _answer_all(hosts: list[SimulatedHost], tally: Tally) -> None:
    async for request in json_lines.requests():
        json_lines.say(**await _answer(request, hosts, tally))


if __name__ == "__main__":
    json_lines.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
