"""A fleet of hosts without browsers in one process, made to be cheap: it loads a control plane and keeps an account.

`python -m bench.fleet ADDRESS`, with the host token in BENCH_HOST_TOKEN and an API key in BENCH_API_KEY. Each session
of its hosts runs one task, and all make events at an even pace; `bench.simulated_host` is for all else.

Requests, one JSON line each: {"what": "attach", "hosts", "capacity"}; {"what": "open", "sessions"}, each with a run
under way; {"what": "send", "seconds", "events_per_second"}: send events at that pace whatever comes back, then wait
until all are acknowledged, the answer has the figures; {"what": "account"}: what was acknowledged of each run.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import asyncio
import math
import secrets
import sys
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import browser_sessions_pb2, browser_sessions_pb2_grpc, hosts_pb2, runs_pb2, runs_pb2_grpc

from bench import json_lines
from bench.fleet_events import event

CHANNELS = 8
"""Connections that the hosts share: a stream of its own costs the control plane nearly as much as a connection."""
_CALLS = 16
_ATTACHES_PER_SECOND = 45
_PATIENCE = 300.0
"""Seconds after which what was sent counts as lost."""
_MOST_UNACKNOWLEDGED = 64
"""Batches of one host; a real host holds its runs back then."""
_VERSION = "Chromium 1.2.3"


class Book:
    """What all hosts sent and what was acknowledged to them."""

    def __init__(self) -> None:
        self.latencies: Counter[int] = Counter()
        """Of each event from its sending to its acknowledgement, in whole milliseconds."""
        self.held_back = 0
        """Batches not sent because too many were unacknowledged."""
        self.sent = 0
        self.acknowledged = 0
        self.heartbeats: Counter[int] = Counter()
        """Milliseconds from a heartbeat to its answer."""


class Task:
    """A session's run."""

    __slots__ = ("acknowledged", "begun", "browser_session_id", "fence", "run_id", "sent", "waiting")

    def __init__(self, browser_session_id: str, fence: int) -> None:
        self.browser_session_id = browser_session_id
        self.fence = fence
        self.run_id = ""
        self.begun = False
        """The answer to StartRun was acknowledged."""
        self.sent = 0
        self.acknowledged = 0
        self.waiting: deque[tuple[int, float]] = deque()
        """(seq, when it was sent) of what is not acknowledged."""


class FleetHost:
    """One host."""

    def __init__(self, channel: grpc.aio.Channel, token: str, host_id: str, capacity: int, book: Book) -> None:
        self.host_id = host_id
        self.tasks: dict[str, Task] = {}
        """By session."""
        self.by_run: dict[str, Task] = {}
        self._capacity = capacity
        self._book = book
        stub: Any = host_pb2_grpc.HostControlServiceStub(channel)
        self._call: Any = stub.Attach(metadata=(("x-api-key", token),))
        self._stream_no = 0
        self._heartbeat_no = 1
        self._beat_at: dict[int, float] = {}
        self._starting: dict[int, Task] = {}
        self._writing = asyncio.Lock()

    async def attach(self) -> float:
        """Introduce the host; returns the seconds between its heartbeats."""
        offer = hosts_pb2.BrowserOffer(browser_type=browser_sessions_pb2.BROWSER_TYPE_CHROME, version=_VERSION)
        hello = host_pb2.Hello(
            host_id=self.host_id, incarnation=secrets.token_hex(16), protocol_min=1, protocol_max=1, build="bench",
            capacity=self._capacity, browsers=[offer], sandboxed=True, heartbeat_no=self._heartbeat_no,
            takes_event_acks=True,
        )  # fmt: skip
        await self._call.write(host_pb2.AttachRequest(hello=hello))
        first = await self._call.read()
        if first is grpc.aio.EOF:
            raise RuntimeError(f"{self.host_id} was refused: {await self._call.details()}")
        self._stream_no = first.stream_no
        interval: float = first.welcome.heartbeat_interval.ToTimedelta().total_seconds()
        return interval

    async def beat(self, seconds: float) -> None:
        """Send heartbeats until cancelled."""
        await asyncio.sleep(seconds * secrets.randbelow(1000) / 1000)
        while True:
            self._heartbeat_no += 1
            self._beat_at[self._heartbeat_no] = time.monotonic()
            await self._write(heartbeat=host_pb2.Heartbeat(heartbeat_no=self._heartbeat_no))
            await asyncio.sleep(seconds)

    async def read(self) -> None:
        """Take in what the control plane says until the stream ends, which is a failure."""
        while (response := await self._call.read()) is not grpc.aio.EOF:
            kind = response.WhichOneof("message")
            if kind == "event_ack":
                self._acknowledged(response.event_ack)
            elif kind == "event_acks":
                for ack in response.event_acks.acks:
                    self._acknowledged(ack)
            elif kind == "heartbeat_ack":
                sent_at = self._beat_at.pop(response.heartbeat_ack.heartbeat_no)
                self._book.heartbeats[_milliseconds(sent_at)] += 1
            elif kind == "command":
                await self._obey(response.command)
            elif kind == "command_result_ack":
                if task := self._starting.pop(response.command_result_ack.command_id, None):
                    task.begun = True
            elif kind in ("stop_run", "resend"):
                raise RuntimeError(f"{self.host_id} was told {response}")
        raise RuntimeError(f"the stream of {self.host_id} ended: {await self._call.details()}")

    async def _obey(self, command: host_pb2.Command) -> None:
        result = host_pb2.CommandResult(command_id=command.command_id)
        kind, session_id = command.WhichOneof("kind"), command.browser_session_id
        if kind == "launch":
            self.tasks[session_id] = Task(session_id, command.fence)
            result.launched.browser_version = _VERSION
            result.launched.age.FromMilliseconds(1)
        else:
            result.done.SetInParent()
        if kind == "start_run":
            task = self.tasks[session_id]
            task.run_id = command.start_run.run_id
            self.by_run[task.run_id] = self._starting[command.command_id] = task
        await self._write(command_result=result)

    async def send_batch(self) -> None:
        """The next event of each of the host's runs, in one message."""
        tasks = list(self.by_run.values())
        if tasks and len(tasks[0].waiting) >= _MOST_UNACKNOWLEDGED:
            self._book.held_back += 1
            return
        batch = host_pb2.EventBatch()
        now = time.monotonic()
        for task in tasks:
            task.sent += 1
            task.waiting.append((task.sent, now))
            batch.events.add(
                browser_session_id=task.browser_session_id, fence=task.fence, event=event(task.run_id, task.sent)
            )
        self._book.sent += len(tasks)
        await self._write(event_batch=batch)

    def _acknowledged(self, ack: host_pb2.EventAck) -> None:
        task = self.by_run[ack.run_id]
        task.acknowledged = max(task.acknowledged, ack.seq)
        while task.waiting and task.waiting[0][0] <= ack.seq:
            self._book.latencies[_milliseconds(task.waiting.popleft()[1])] += 1
            self._book.acknowledged += 1

    async def _write(self, **message: Any) -> None:
        async with self._writing:
            await self._call.write(host_pb2.AttachRequest(stream_no=self._stream_no, **message))


def _milliseconds(since: float) -> int:
    return round((time.monotonic() - since) * 1000)


class Fleet:
    """All hosts of this process."""

    def __init__(self, address: str, token: str, key: str) -> None:
        self._token = token
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(CHANNELS)]
        self._sessions: Any = browser_sessions_pb2_grpc.BrowserSessionServiceStub(self._channels[0])
        self._runs: Any = runs_pb2_grpc.RunServiceStub(self._channels[0])
        self._metadata = (("x-api-key", key),)
        self._hosts: list[FleetHost] = []
        self._serving: list[asyncio.Task[None]] = []
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._book = Book()

    async def attach(self, hosts: int, capacity: int) -> dict[str, Any]:
        """Take the hosts in as evenly as the control plane wants them."""
        began = time.monotonic()
        for number in range(hosts):
            await asyncio.sleep(1 / _ATTACHES_PER_SECOND)  # and never two at once to make up for a delay
            channel = self._channels[number % CHANNELS]
            host = FleetHost(channel, self._token, f"fleet-{number:04d}", capacity, self._book)
            seconds = await host.attach()
            self._hosts.append(host)
            for part in (host.read(), host.beat(seconds)):
                self._serving.append(asyncio.create_task(part))
                self._serving[-1].add_done_callback(self._ended)
        return {"seconds": time.monotonic() - began}

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def open(self, sessions: int) -> dict[str, Any]:
        """Open sessions and begin a run in each."""
        began = time.monotonic()
        left = iter(range(sessions))

        async def open_some() -> None:
            for _ in left:
                request = browser_sessions_pb2.CreateBrowserSessionRequest()
                request.timeout.FromSeconds(86_400)
                request.queue_timeout.FromSeconds(3600)
                answer = await self._sessions.CreateBrowserSession(request, metadata=self._metadata)
                task = runs_pb2.RunTaskRequest(
                    browser_session_id=answer.browser_session.browser_session_id, prompt="Open the shop"
                )
                task.timeout.FromSeconds(86_000)
                await self._runs.RunTask(task, metadata=self._metadata)

        await asyncio.gather(*(open_some() for _ in range(_CALLS)))
        await self._until(lambda: sum(task.begun for host in self._hosts for task in host.by_run.values()) == sessions)
        return {"seconds": time.monotonic() - began}

    async def send(self, seconds: float, events_per_second: float) -> dict[str, Any]:
        """Send at an even pace; whoever was late sends at once, so that a slow answer slows nothing down."""
        self._book.latencies.clear()
        self._book.heartbeats.clear()
        sent, acknowledged, held_back = self._book.sent, self._book.acknowledged, self._book.held_back
        tasks = sum(len(host.by_run) for host in self._hosts)
        interval = tasks / events_per_second
        began = time.monotonic()
        rounds = math.ceil(seconds / interval)
        late = 0.0
        for number in range(rounds):
            for place, host in enumerate(self._hosts):
                due = began + (number + place / len(self._hosts)) * interval
                if (pause := due - time.monotonic()) > 0:
                    await asyncio.sleep(pause)
                else:
                    late = max(late, -pause)
                await host.send_batch()
        took = time.monotonic() - began
        await self._until(lambda: self._book.acknowledged == self._book.sent)
        return {
            "seconds": took,
            "sent": self._book.sent - sent,
            "acknowledged": self._book.acknowledged - acknowledged,
            "held_back": self._book.held_back - held_back,
            "late_seconds": late,
            "latencies": dict(self._book.latencies),
            "heartbeats": dict(self._book.heartbeats),
        }

    async def _until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not reached():  # noqa: ASYNC110 - a look now and then costs less than an event for each message
                await asyncio.sleep(0.05)

    def account(self) -> dict[str, Any]:
        """What was acknowledged of each run."""
        tasks = [task for host in self._hosts for task in host.tasks.values()]
        return {"runs": {task.run_id: task.acknowledged for task in tasks}}

    async def close(self) -> None:
        """Break off."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        for channel in self._channels:
            await channel.close()


async def main(address: str) -> None:
    """Answer requests until the end, or until a host fails."""
    fleet = Fleet(address, os.environ["BENCH_HOST_TOKEN"], os.environ["BENCH_API_KEY"])
    json_lines.say(event="ready")
    try:
        async for request in json_lines.requests():
            what = request.pop("what")
            answer = asyncio.ensure_future(_answer(fleet, what, request))
            either: list[asyncio.Future[Any]] = [answer, fleet.failed]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                answer.cancel()
                await asyncio.gather(answer, return_exceptions=True)
                fleet.failed.result()
            json_lines.say(**answer.result())
    finally:
        await fleet.close()


async def _answer(fleet: Fleet, what: str, request: dict[str, Any]) -> dict[str, Any]:
    if what == "account":
        return fleet.account()
    answers: dict[str, Callable[..., Awaitable[dict[str, Any]]]]
    answers = {"attach": fleet.attach, "open": fleet.open, "send": fleet.send}
    return await answers[what](**request)


if __name__ == "__main__":
    json_lines.run(main(sys.argv[1]))
