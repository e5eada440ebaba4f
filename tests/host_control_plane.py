"""A control plane for one host over real gRPC: attaches it, stores what it says once, and does what a test tells it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import browser_sessions_pb2, runs_pb2

from tests.waiting import until

TOKEN = "tk_host_test"


def failed(code: grpc.StatusCode, reason: str, message: str, retry_delay: timedelta | None = None) -> Any:
    """A rich status, as the real control plane sends."""
    details = [error_details_pb2.ErrorInfo(reason=reason, domain="tabkeep")]
    if retry_delay is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(retry_delay)
        details.append(retry)
    packed = []
    for detail in details:
        anything = any_pb2.Any()
        anything.Pack(detail)
        packed.append(anything)
    return rpc_status.to_status(status_pb2.Status(code=code.value[0], message=message, details=packed))


@dataclass
class Stored:
    """What a control plane keeps of a host."""

    events: dict[str, list[runs_pb2.RunEvent]] = field(default_factory=dict)
    results: dict[int, host_pb2.CommandResult] = field(default_factory=dict)
    tombstones: dict[tuple[str, int], host_pb2.Tombstone] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    reports: list[host_pb2.PageReport] = field(default_factory=list)
    hellos: list[host_pb2.Hello] = field(default_factory=list)
    goodbyes: list[str] = field(default_factory=list)


class GrpcControlPlane(host_pb2_grpc.HostControlServiceServicer, host_pb2_grpc.HostBlobServiceServicer):
    """Serves one host; `async with` it."""

    def __init__(self) -> None:
        self.stored = Stored()
        self.port = 0
        self.control_epoch = 1
        self.stream_no = 0
        self.heartbeat_interval = timedelta(seconds=0.2)
        self.action_lease = timedelta(seconds=15)
        self.holding_lease = timedelta(seconds=180)
        self.acknowledges_events = True
        self.refuse_attach: Any = None
        self.refusals = 0
        self.refuse_blobs: list[Any] = []
        """Taken one by one, before blobs are stored."""
        self._command_id = 0
        self._pending: dict[int, host_pb2.Command] = {}
        self._outgoing: asyncio.Queue[host_pb2.AttachResponse | None] = asyncio.Queue()
        self._attached = asyncio.Event()
        self._server: grpc.aio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        host_pb2_grpc.add_HostControlServiceServicer_to_server(self, self._server)
        host_pb2_grpc.add_HostBlobServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        await self._server.start()

    async def stop(self) -> None:
        """Vanish, as a control plane that is killed does; what is stored stays."""
        if self._server is not None:
            await self._server.stop(0)
            self._server = None
        self._attached.clear()

    async def __aenter__(self) -> GrpcControlPlane:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def attached(self, streams: int = 1) -> None:
        await until(lambda: len(self.stored.hellos) >= streams and self._attached.is_set(), "an attached host", 30)

    def break_stream(self) -> None:
        self._attached.clear()
        self._outgoing.put_nowait(None)

    def send(self, **message: Any) -> None:
        self._outgoing.put_nowait(host_pb2.AttachResponse(**message))

    def command(self, browser_session_id: str, fence: int, **kind: Any) -> int:
        self._command_id += 1
        command = host_pb2.Command(
            command_id=self._command_id, browser_session_id=browser_session_id, fence=fence, **kind
        )
        self._pending[self._command_id] = command
        if self._attached.is_set():
            self.send(command=command)
        return self._command_id

    async def result(self, command_id: int, seconds: float = 40) -> host_pb2.CommandResult:
        await until(lambda: command_id in self.stored.results, f"result {command_id}", seconds)
        return self.stored.results[command_id]

    async def launch(
        self, browser_session_id: str, fence: int, url: str = "", timeout: timedelta = timedelta(minutes=5)
    ) -> host_pb2.CommandResult:
        launch = host_pb2.Launch(browser_type=browser_sessions_pb2.BROWSER_TYPE_CHROME, url=url)
        launch.timeout.FromTimedelta(timeout)
        return await self.result(self.command(browser_session_id, fence, launch=launch))

    async def tombstone(self, browser_session_id: str, fence: int, seconds: float = 20) -> host_pb2.Tombstone:
        key = (browser_session_id, fence)
        await until(lambda: key in self.stored.tombstones, f"the tombstone of {key}", seconds)
        return self.stored.tombstones[key]

    async def finished(self, run_id: str, seconds: float = 60) -> runs_pb2.RunFinished:
        def last() -> bool:
            events = self.stored.events.get(run_id)
            return bool(events) and events[-1].HasField("run_finished")

        await until(last, f"the end of run {run_id}", seconds)
        return self.stored.events[run_id][-1].run_finished

    # The services.

    async def Attach(
        self, request_iterator: AsyncIterator[host_pb2.AttachRequest], context: Any
    ) -> AsyncIterator[host_pb2.AttachResponse]:
        if self.refuse_attach is not None:
            self.refusals += 1
            await context.abort_with_status(self.refuse_attach)
        if dict(context.invocation_metadata()).get("x-api-key") != TOKEN:
            await context.abort_with_status(failed(grpc.StatusCode.UNAUTHENTICATED, "KEY_INVALID", "not a valid key"))
        first = await anext(request_iterator)
        self.stream_no += 1
        self._outgoing = outgoing = asyncio.Queue()
        self._welcome(first.hello)
        reading = asyncio.create_task(self._read(request_iterator, outgoing))
        self._attached.set()
        try:
            while (response := await outgoing.get()) is not None:
                response.control_epoch = self.control_epoch
                response.stream_no = self.stream_no
                yield response
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def PutBlob(self, request_iterator: AsyncIterator[host_pb2.PutBlobRequest], context: Any) -> Any:
        header = (await anext(request_iterator)).header
        content = b"".join([request.chunk async for request in request_iterator])
        if self.refuse_blobs:
            await context.abort_with_status(self.refuse_blobs.pop(0))
        assert len(content) == header.artifact.size
        assert hashlib.sha256(content).hexdigest() == header.artifact.sha256
        self.stored.blobs[header.artifact.artifact_id] = content
        return host_pb2.PutBlobResponse()

    async def _read(self, requests: AsyncIterator[host_pb2.AttachRequest], outgoing: asyncio.Queue[Any]) -> None:
        stream_no = self.stream_no
        async for request in requests:
            assert request.stream_no == stream_no
            self._take(request)
        outgoing.put_nowait(None)

    def _welcome(self, hello: host_pb2.Hello) -> None:
        welcome = host_pb2.Welcome(protocol=1, heartbeat_no=hello.heartbeat_no)
        welcome.heartbeat_interval.FromTimedelta(self.heartbeat_interval)
        welcome.action_lease.FromTimedelta(self.action_lease)
        welcome.holding_lease.FromTimedelta(self.holding_lease)
        for item in hello.inventory:
            welcome.verdicts.add(browser_session_id=item.browser_session_id, fence=item.fence, keep=True)
        for run in hello.runs:
            welcome.event_acks.add(run_id=run.run_id, seq=len(self.stored.events.get(run.run_id, [])))
        self.send(welcome=welcome)
        for tombstone in hello.tombstones:
            self._take(host_pb2.AttachRequest(tombstone=tombstone))
        for result in hello.command_results:
            self._take(host_pb2.AttachRequest(command_result=result))
        for command in self._pending.values():
            self.send(command=command)
        self.stored.hellos.append(hello)

    def _take(self, request: host_pb2.AttachRequest) -> None:
        stored = self.stored
        match request.WhichOneof("message"):
            case "heartbeat":
                self.send(heartbeat_ack=host_pb2.HeartbeatAck(heartbeat_no=request.heartbeat.heartbeat_no))
            case "event_batch":
                if self.acknowledges_events:
                    for hosted in request.event_batch.events:
                        self._take_event(hosted.event)
            case "command_result":
                result = request.command_result
                assert stored.results.setdefault(result.command_id, result) == result
                self._pending.pop(result.command_id, None)
                self.send(command_result_ack=host_pb2.CommandResultAck(command_id=result.command_id))
            case "tombstone":
                tombstone = request.tombstone
                stored.tombstones.setdefault((tombstone.browser_session_id, tombstone.fence), tombstone)
                self.send(
                    tombstone_ack=host_pb2.TombstoneAck(
                        browser_session_id=tombstone.browser_session_id, fence=tombstone.fence
                    )
                )
            case "page_report":
                stored.reports.append(request.page_report)
            case "goodbye":
                stored.goodbyes.append(request.goodbye.reason)

    def _take_event(self, event: runs_pb2.RunEvent) -> None:
        events = self.stored.events.setdefault(event.run_id, [])
        if event.seq <= len(events):
            assert events[event.seq - 1] == event, "another event under the same seq"
        elif event.seq > len(events) + 1:
            self.send(resend=host_pb2.Resend(run_id=event.run_id, from_seq=len(events) + 1))
            return
        else:
            events.append(event)
        self.send(event_ack=host_pb2.EventAck(run_id=event.run_id, seq=len(events)))
