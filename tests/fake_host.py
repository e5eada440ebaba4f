"""A host without browsers that speaks the real protocol over real gRPC, and does what a test tells it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import browser_sessions_pb2, hosts_pb2, runs_pb2

from tests.refusals import Refusal

PATIENCE = 5.0
"""Seconds a test waits for a message before it fails."""


class FakeHost:
    """One stream to the control plane. `attach` opens it; `vanish` breaks it off without a word."""

    def __init__(self, address: str, token: str, host_id: str = "host-a", *, capacity: int = 4) -> None:
        self.host_id = host_id
        self.incarnation = secrets.token_hex(16)
        self.capacity = capacity
        self.browsers = {browser_sessions_pb2.BROWSER_TYPE_CHROME: "Chromium 1.2.3"}
        self.inventory: list[host_pb2.InventoryItem] = []
        self.runs: list[host_pb2.RunProgress] = []
        self.tombstones: list[host_pb2.Tombstone] = []
        self.welcome: host_pb2.Welcome | None = None
        self.heartbeat_no = 0
        self._address = address
        self._token = token
        self._channels: list[grpc.aio.Channel] = []
        self._call: Any = None
        self._stream_no = 0
        self._unread: list[Any] = []

    def hello(self) -> host_pb2.Hello:
        """The host as it introduces itself."""
        self.heartbeat_no += 1
        return host_pb2.Hello(
            host_id=self.host_id,
            incarnation=self.incarnation,
            protocol_min=1,
            protocol_max=1,
            build="fake",
            capacity=self.capacity,
            browsers=[hosts_pb2.BrowserOffer(browser_type=t, version=v) for t, v in self.browsers.items()],
            sandboxed=True,
            inventory=self.inventory,
            runs=self.runs,
            tombstones=self.tombstones,
            heartbeat_no=self.heartbeat_no,
        )

    async def attach(self, hello: host_pb2.Hello | None = None) -> host_pb2.Welcome:
        """Open a stream and introduce the host; raises the call's error when it is refused."""
        channel = grpc.aio.insecure_channel(self._address, options=[("grpc.use_local_subchannel_pool", 1)])
        self._channels.append(channel)
        stub = host_pb2_grpc.HostControlServiceStub(channel)
        self._call = stub.Attach(metadata=(("x-api-key", self._token),))
        self._unread = []
        await self._call.write(host_pb2.AttachRequest(hello=hello or self.hello()))
        first = await asyncio.wait_for(self._call.read(), PATIENCE)
        if first is grpc.aio.EOF:
            raise AssertionError(f"stream ended: {await self._call.code()} {await self._call.details()}")
        assert first.WhichOneof("message") == "welcome"
        self._stream_no = first.stream_no
        welcome: host_pb2.Welcome = first.welcome
        self.welcome = welcome
        return welcome

    async def send(self, **message: Any) -> None:
        """Send one message, named as in the proto."""
        await self._call.write(host_pb2.AttachRequest(stream_no=self._stream_no, **message))

    async def receive(self, kind: str, matching: Callable[[Any], bool] = lambda message: True) -> Any:
        """The next message of a kind that matches; others are kept for later."""
        for index, response in enumerate(self._unread):
            if response.WhichOneof("message") == kind and matching(getattr(response, kind)):
                return getattr(self._unread.pop(index), kind)
        while True:
            response = await asyncio.wait_for(self._call.read(), PATIENCE)
            if response is grpc.aio.EOF:
                raise AssertionError(f"stream ended: {await self._call.code()} {await self._call.details()}")
            if response.WhichOneof("message") == kind and matching(getattr(response, kind)):
                return getattr(response, kind)
            self._unread.append(response)

    async def nothing_more_after_goodbye(self) -> None:
        """End the host's side of the stream, and wait until the control plane has taken all in and ended its own."""
        await self._call.done_writing()
        assert await asyncio.wait_for(self._call.read(), PATIENCE) is grpc.aio.EOF

    async def take_until(self, kind: str, matching: Callable[[Any], bool]) -> list[str]:
        """Take messages up to one that matches; returns their kinds in order, of commands the command's."""
        taken = []
        while True:
            response = self._unread.pop(0) if self._unread else await asyncio.wait_for(self._call.read(), PATIENCE)
            assert response is not grpc.aio.EOF
            found = response.WhichOneof("message")
            taken.append(response.command.WhichOneof("kind") if found == "command" else found)
            if found == kind and matching(getattr(response, kind)):
                return taken

    async def command(self, kind: str) -> host_pb2.Command:
        """The next command of a kind."""
        command: host_pb2.Command = await self.receive("command", lambda command: command.WhichOneof("kind") == kind)
        return command

    async def ended(self) -> Refusal:
        """How the control plane ended the stream."""
        try:
            while await asyncio.wait_for(self._call.read(), PATIENCE) is not grpc.aio.EOF:
                pass
        except grpc.aio.AioRpcError as error:
            return Refusal.of(error)
        return Refusal(await self._call.code(), await self._call.details())

    async def nothing_more(self, kind: str) -> None:
        """Fail if a message of a kind is here, or comes before the answer to a heartbeat."""
        await self.heartbeat()
        found = [getattr(response, kind) for response in self._unread if response.WhichOneof("message") == kind]
        assert not found, found

    async def launch(self, age: timedelta = timedelta()) -> host_pb2.Command:
        """Take the next Launch and report the browser up."""
        command = await self.command("launch")
        result = host_pb2.CommandResult(command_id=command.command_id)
        result.launched.age.FromTimedelta(age)
        result.launched.browser_version = "Chromium 1.2.3"
        await self.send(command_result=result)
        await self.receive("command_result_ack", lambda ack: ack.command_id == command.command_id)
        self.inventory.append(
            host_pb2.InventoryItem(
                browser_session_id=command.browser_session_id, fence=command.fence, live=True, age=result.launched.age
            )
        )
        return command

    async def done(self, command: host_pb2.Command) -> None:
        """Report a command done."""
        await self.send(command_result=host_pb2.CommandResult(command_id=command.command_id, done=host_pb2.Done()))
        await self.receive("command_result_ack", lambda ack: ack.command_id == command.command_id)

    async def fail(self, command: host_pb2.Command, reason: str, message: str) -> None:
        """Report a command failed."""
        failure = host_pb2.Failure(reason=reason, message=message)
        await self.send(command_result=host_pb2.CommandResult(command_id=command.command_id, failure=failure))
        await self.receive("command_result_ack", lambda ack: ack.command_id == command.command_id)

    async def begin_run(self) -> host_pb2.Command:
        """Take the next StartRun and report it begun."""
        command = await self.command("start_run")
        await self.done(command)
        return command

    async def report(self, command: host_pb2.Command, *events: runs_pb2.RunEvent, wait: bool = True) -> None:
        """Send run events under the command's placement; waits until they are acknowledged."""
        for event in events:
            event.run_id = command.start_run.run_id
        hosted = [
            host_pb2.HostedEvent(browser_session_id=command.browser_session_id, fence=command.fence, event=event)
            for event in events
        ]
        await self.send(event_batch=host_pb2.EventBatch(events=hosted))
        if wait:
            await self.receive("event_ack", lambda ack: ack.seq >= events[-1].seq)

    async def bury(self, command: host_pb2.Command, reason: Any = browser_sessions_pb2.CLOSE_REASON_REQUESTED) -> None:
        """Report a browser gone."""
        stone = host_pb2.Tombstone(
            browser_session_id=command.browser_session_id, fence=command.fence, reason=reason, message="gone"
        )
        self.inventory = [item for item in self.inventory if item.fence != command.fence]
        await self.send(tombstone=stone)
        await self.receive("tombstone_ack", lambda ack: ack.fence == command.fence)

    async def heartbeat(self) -> None:
        """Send a heartbeat and wait for its answer."""
        self.heartbeat_no += 1
        await self.send(heartbeat=host_pb2.Heartbeat(heartbeat_no=self.heartbeat_no))
        await self.receive("heartbeat_ack", lambda ack: ack.heartbeat_no == self.heartbeat_no)

    async def vanish(self) -> None:
        """Break the stream off."""
        if self._call is not None:
            self._call.cancel()
        while self._channels:
            await self._channels.pop().close()


def step_started(seq: int, step: int = 1) -> runs_pb2.RunEvent:
    """An event: a step is about to act."""
    return runs_pb2.RunEvent(seq=seq, step_started=runs_pb2.StepStarted(step=step, description="click"))


def step_finished(seq: int, step: int = 1) -> runs_pb2.RunEvent:
    """An event: a step has ended well."""
    return runs_pb2.RunEvent(
        seq=seq, step_finished=runs_pb2.StepFinished(step=step, outcome=runs_pb2.STEP_OUTCOME_DONE)
    )


def run_finished(seq: int, status: Any = runs_pb2.RUN_STATUS_COMPLETED, **fields: Any) -> runs_pb2.RunEvent:
    """An event: the host is done with the run."""
    return runs_pb2.RunEvent(seq=seq, run_finished=runs_pb2.RunFinished(status=status, **fields))
