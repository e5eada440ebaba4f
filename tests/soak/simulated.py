"""Hosts without browsers for the soak: they keep to the whole protocol over cuts and restarts of the control plane.

What a real host keeps over a lost stream these keep too: browsers, events and results that were not acknowledged, the
commands they have carried out. They act on nothing, so they need no leases.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import Any

import grpc
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import browser_sessions_pb2, hosts_pb2, runs_pb2

from bench.fleet_events import event

EVENTS_PER_RUN = 40
_EVENTS_PER_BATCH = 5
_PAUSE = 0.1
"""Seconds between batches."""


class _Browser:
    def __init__(self, browser_session_id: str, fence: int, now: float) -> None:
        self.browser_session_id = browser_session_id
        self.fence = fence
        self.launched_at = now
        self.run_id = ""
        self.sent = 0
        self.acknowledged = 0


class SimulatedHost:
    """One host that offers Edge, so that callers can tell it from hosts with real browsers."""

    def __init__(self, address: str, token: str, host_id: str, rng: random.Random) -> None:
        self.acknowledged: dict[str, int] = {}
        """The last event acknowledged of each run."""
        self.problems: list[str] = []
        self.attached = False
        self._address = address
        self._token = token
        self._host_id = host_id
        self._rng = rng
        self._incarnation = secrets.token_hex(16)
        self._browsers: dict[str, _Browser] = {}
        self._stones: dict[str, host_pb2.Tombstone] = {}
        self._results: dict[int, host_pb2.CommandResult] = {}
        self._call: Any = None
        self._cut = False
        self._stream_no = 0
        self._heartbeat_no = 0
        self._epoch = 0
        self._writing = asyncio.Lock()

    async def run(self) -> None:
        """Attach again and again until cancelled."""
        while True:
            async with grpc.aio.insecure_channel(
                self._address, options=[("grpc.use_local_subchannel_pool", 1)]
            ) as channel:
                try:
                    await self._one_stream(channel)
                except (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError):
                    pass
                except asyncio.CancelledError:
                    if not self._cut:  # a call that is cancelled cancels whoever waits for it
                        raise
                except Exception as error:
                    self.problems.append(f"{self._host_id} broke: {error!r}")
                finally:
                    self.attached = self._cut = False
            await asyncio.sleep(self._rng.uniform(0.2, 1.5))

    def cut(self) -> None:
        """Break the stream off."""
        if self.attached:
            self._cut = True
            self._call.cancel()

    async def _one_stream(self, channel: grpc.aio.Channel) -> None:
        stub: Any = host_pb2_grpc.HostControlServiceStub(channel)
        self._call = stub.Attach(metadata=(("x-api-key", self._token),))
        work: list[asyncio.Task[None]] = []
        try:
            await self._call.write(host_pb2.AttachRequest(hello=self._hello()))
            first = await asyncio.wait_for(self._call.read(), 30)
            if first is grpc.aio.EOF:
                code, details = await self._call.code(), await self._call.details()
                if code not in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE):
                    self.problems.append(f"{self._host_id} was refused: {code}: {details}")
                return
            self._welcomed(first)
            work = [asyncio.create_task(self._beat()), asyncio.create_task(self._report())]
            while (response := await self._call.read()) is not grpc.aio.EOF:
                await self._take(response)
        except TimeoutError:
            pass
        finally:
            self._call.cancel()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    def _hello(self) -> host_pb2.Hello:
        self._heartbeat_no += 1
        now = asyncio.get_running_loop().time()
        hello = host_pb2.Hello(
            host_id=self._host_id, incarnation=self._incarnation, protocol_min=1, protocol_max=1, build="soak",
            capacity=2, sandboxed=True, heartbeat_no=self._heartbeat_no, highest_control_epoch=self._epoch,
            browsers=[hosts_pb2.BrowserOffer(browser_type=browser_sessions_pb2.BROWSER_TYPE_MSEDGE, version="Edge 1")],
            tombstones=self._stones.values(), command_results=self._results.values(), takes_event_acks=True,
        )  # fmt: skip
        for browser in self._browsers.values():
            item = hello.inventory.add(browser_session_id=browser.browser_session_id, fence=browser.fence, live=True)
            item.age.FromMilliseconds(round((now - browser.launched_at) * 1000))
            if browser.run_id:
                hello.runs.add(run_id=browser.run_id, last_seq=browser.sent)
        return hello

    def _welcomed(self, first: host_pb2.AttachResponse) -> None:
        self._stream_no, self._epoch, self.attached = first.stream_no, max(self._epoch, first.control_epoch), True
        for verdict in first.welcome.verdicts:
            if not verdict.keep:
                self._browsers.pop(verdict.browser_session_id, None)
        for browser in self._browsers.values():
            browser.sent = browser.acknowledged
        for ack in first.welcome.event_acks:
            self._acknowledge(ack)

    async def _beat(self) -> None:
        while True:
            self._heartbeat_no += 1
            await self._send(heartbeat=host_pb2.Heartbeat(heartbeat_no=self._heartbeat_no))
            await asyncio.sleep(0.8)

    async def _report(self) -> None:
        """Events of every run that is under way, until its last."""
        while True:
            batch = host_pb2.EventBatch()
            for browser in self._browsers.values():
                if browser.run_id and browser.sent - browser.acknowledged < 50:
                    last = min(browser.sent + _EVENTS_PER_BATCH, EVENTS_PER_RUN)
                    for seq in range(browser.sent + 1, last + 1):
                        batch.events.add(
                            browser_session_id=browser.browser_session_id,
                            fence=browser.fence,
                            event=made(browser.run_id, seq),
                        )
                    browser.sent = last
            if batch.events:
                await self._send(event_batch=batch)
            await asyncio.sleep(_PAUSE)

    async def _take(self, response: host_pb2.AttachResponse) -> None:
        match response.WhichOneof("message"):
            case "command":
                await self._obey(response.command)
            case "event_acks":
                for ack in response.event_acks.acks:
                    self._acknowledge(ack)
            case "event_ack":
                self._acknowledge(response.event_ack)
            case "resend":
                for browser in self._browsers.values():
                    if browser.run_id == response.resend.run_id:
                        browser.sent = response.resend.from_seq - 1
            case "stop_run":
                for browser in self._browsers.values():
                    if browser.run_id == response.stop_run.run_id:
                        browser.run_id = ""
            case "command_result_ack":
                self._results.pop(response.command_result_ack.command_id, None)
            case "tombstone_ack":
                self._stones.pop(response.tombstone_ack.browser_session_id, None)

    def _acknowledge(self, ack: host_pb2.EventAck) -> None:
        self.acknowledged[ack.run_id] = max(ack.seq, self.acknowledged.get(ack.run_id, 0))
        for browser in self._browsers.values():
            if browser.run_id == ack.run_id:
                browser.acknowledged = max(browser.acknowledged, ack.seq)
                browser.sent = max(browser.sent, ack.seq)
                if ack.seq >= EVENTS_PER_RUN:
                    browser.run_id = ""

    async def _obey(self, command: host_pb2.Command) -> None:
        """Do it once: a repeated command gets its result again."""
        session_id, kind = command.browser_session_id, command.WhichOneof("kind")
        if command.command_id not in self._results:
            result = self._results[command.command_id] = host_pb2.CommandResult(command_id=command.command_id)
            browser = self._browsers.get(session_id)
            if kind == "launch":
                now = asyncio.get_running_loop().time()
                self._browsers[session_id] = _Browser(session_id, command.fence, now)
                result.launched.browser_version = "Edge 1"
                result.launched.age.FromMilliseconds(1)
            elif browser is None or browser.fence != command.fence:
                result.failure.reason, result.failure.message = "UNKNOWN_SESSION", "no such browser"
            else:
                result.done.SetInParent()
                self._do(kind, command, browser)
        await self._send(command_result=self._results[command.command_id])
        if session_id in self._stones:
            await self._send(tombstone=self._stones[session_id])

    def _do(self, kind: str | None, command: host_pb2.Command, browser: _Browser) -> None:
        if kind == "start_run":
            browser.run_id, browser.sent, browser.acknowledged = command.start_run.run_id, 0, 0
        elif kind == "close":
            del self._browsers[browser.browser_session_id]
            self._stones[browser.browser_session_id] = host_pb2.Tombstone(
                browser_session_id=browser.browser_session_id,
                fence=browser.fence,
                reason=browser_sessions_pb2.CLOSE_REASON_REQUESTED,
            )

    async def _send(self, **message: Any) -> None:
        async with self._writing:
            await self._call.write(host_pb2.AttachRequest(stream_no=self._stream_no, **message))


def made(run_id: str, seq: int) -> runs_pb2.RunEvent:
    """Event `seq` of a simulated run; the last one ends it."""
    if seq < EVENTS_PER_RUN:
        return event(run_id, seq)
    return runs_pb2.RunEvent(
        run_id=run_id, seq=seq, run_finished=runs_pb2.RunFinished(status=runs_pb2.RUN_STATUS_COMPLETED)
    )
