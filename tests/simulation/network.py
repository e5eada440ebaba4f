"""The network between hosts and the control plane: streams of two directions, each first in, first out.

What can happen to it: latency, a cut of one direction or both (bytes wait, and when it lasts, keepalive ends the
stream on each side in its own time), a reset (what was on its way is lost), refused connections, and a stall: the
connection lives, keepalive and all, but the messages of one direction do not come through.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from tabkeep.host.v1 import host_pb2

from browser_host import wire
from browser_host.attachment import AttachRefused, StreamLost
from browser_host.messages import FromHost, Received
from control_plane.errors import HostIdTaken, PreconditionFailed, TabkeepError
from tests.simulation.virtual_loop import Process, SimulatedLoop

KEEPALIVE_SECONDS = (10.0, 16.0)
"""When a side that hears nothing gives a stream up."""
USUAL_LATENCY = 0.02
_FINAL = (HostIdTaken, PreconditionFailed)
"""Errors whose gRPC codes end a host for good."""

Trace = Callable[[str], None]
Serve = Callable[["Stream"], Coroutine[Any, Any, None]]


class Direction:
    """Messages on their way to one side of a stream."""

    def __init__(self, stream: Stream, to: str, receiver: Process) -> None:
        self.stream = stream
        self.to = to
        self.receiver = receiver
        self.on_the_way: deque[tuple[float, bytes | Exception]] = deque()
        self.arrived: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self.broken = False
        """This side knows that the stream has ended."""
        self._last = 0.0

    def put(self, item: bytes | Exception, latency: float) -> None:
        """Send; arrives after what was sent before."""
        loop = self.stream.network.loop
        self._last = max(self._last + 1e-6, loop.true_time + latency)
        self.on_the_way.append((self._last, item))
        self.stream.network.at(self._last, self.deliver)

    def deliver(self) -> None:
        """Hand over all whose time has come, unless the way is blocked."""
        network = self.stream.network
        while self.on_the_way and not self.broken and not network.blocked(self):
            time, item = self.on_the_way[0]
            if time > network.loop.true_time:
                return
            self.on_the_way.popleft()
            network.loop.post(self.receiver, self._take, item)

    def _take(self, item: bytes | Exception) -> None:
        if self.broken:
            return
        if isinstance(item, bytes):
            self.stream.network.trace(f"{self.stream} to {self.to} {_summary(item, self.to)}")
        self.arrived.put_nowait(item)
        if isinstance(item, Exception):
            self._end(item)

    def lose(self, error: Exception, *, after: float = 0.0) -> None:
        """This side learns that the stream is lost; what has not arrived by then never does."""
        network = self.stream.network
        network.at(network.loop.true_time + after, lambda: network.loop.post(self.receiver, self._lost, error))

    def _lost(self, error: Exception) -> None:
        if not self.broken:
            self.arrived.put_nowait(error)
            self._end(error)

    def _end(self, error: Exception) -> None:
        self.broken = True
        self.on_the_way.clear()
        self.stream.network.trace(f"{self.stream} ended at {self.to}: {error}")
        self.stream.ended(self.to)


class Stream:
    """One Attach call."""

    def __init__(self, network: Network, number: int, host: Process, control_plane: Process) -> None:
        self.network = network
        self.number = number
        self.host = host
        self.control_plane = control_plane
        self.to_host = Direction(self, "host", host)
        self.to_control_plane = Direction(self, "control plane", control_plane)
        self.stalled: set[str] = set()
        self.handler: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"stream {self.number} of {self.host}"

    @property
    def open(self) -> bool:
        return not (self.to_host.broken and self.to_control_plane.broken)

    def directions(self) -> tuple[Direction, Direction]:
        return self.to_host, self.to_control_plane

    def ended(self, at: str) -> None:
        """As gRPC does, the control plane's call is cancelled when its stream has ended from outside."""
        if at == "control plane" and self.handler is not None:
            self.handler.cancel()

    # The control plane's side.

    async def requests(self) -> AsyncIterator[host_pb2.AttachRequest]:
        """What the host sends; ends when it says that nothing more comes."""
        while True:
            item = await self.to_control_plane.arrived.get()
            if isinstance(item, Exception):
                await asyncio.Event().wait()  # the handler is cancelled: nothing more comes
            elif not item:
                return
            else:
                yield host_pb2.AttachRequest.FromString(item)

    async def serve(self, responses: AsyncIterator[host_pb2.AttachResponse]) -> None:
        """Carry the control plane's answers, and at last how the call ended."""
        end: Exception = StreamLost("the control plane ended the stream")
        try:
            async for response in responses:
                self.to_host.put(response.SerializeToString(deterministic=True), self.network.latency())
        except TabkeepError as error:
            end = _as_the_host_sees_it(error)
        self.to_host.put(end, self.network.latency())
        self.to_control_plane.broken = True


class HostConnection:
    """The host's side of a stream; implements `attachment.Connection`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def send(self, message: FromHost, stream_no: int) -> None:
        await asyncio.sleep(0)
        direction = self._stream.to_host
        if direction.broken:
            raise StreamLost("the stream has ended")
        body = wire.to_proto(message, stream_no).SerializeToString(deterministic=True)
        self._stream.to_control_plane.put(body, self._stream.network.latency())

    async def receive(self) -> Received:
        item = await self._stream.to_host.arrived.get()
        if isinstance(item, Exception):
            self._stream.to_host.arrived.put_nowait(item)
            raise item
        return wire.from_proto(host_pb2.AttachResponse.FromString(item))

    async def finish(self) -> None:
        self._stream.to_control_plane.put(b"", self._stream.network.latency())

    async def close(self) -> None:
        if not self._stream.to_host.broken:
            self._stream.to_host.broken = True
            self._stream.network.trace(f"{self._stream} closed by the host")
            self._stream.to_control_plane.put(StreamLost("cancelled by the host"), self._stream.network.latency())


class Network:
    """All streams, and what is wrong with the ways."""

    def __init__(self, loop: SimulatedLoop, rng: random.Random, trace: Trace) -> None:
        self.loop = loop
        self.trace = trace
        self.streams: list[Stream] = []
        self.mean_latency = USUAL_LATENCY
        self._rng = rng
        self._cuts: dict[tuple[str, str], float] = {}
        """Machine and direction, to the end of the cut."""
        self.refused_until = 0.0
        self._number = 0
        self._doors: dict[Process, Serve] = {}
        """Of the control planes that listen."""
        self._newest: Process | None = None
        self._astray_until = 0.0
        self._astray: list[Process] = []
        """Hosts some of whose connections reach the control plane of before, until then."""

    def latency(self) -> float:
        return self._rng.expovariate(1 / self.mean_latency)

    def at(self, time: float, callback: Callable[[], object]) -> None:
        """Call back at a true time, whatever process asked."""
        self.loop.at(time, callback)

    def is_cut(self, host: Process, to: str) -> bool:
        return self._cuts.get((host.machine.name, to), 0.0) > self.loop.true_time

    def hinders(self, host: Process) -> bool:
        """Whether a host's messages are slow, or do not come through."""
        stalled = any(stream.stalled for stream in self.streams if stream.host is host and stream.open)
        cut = self.is_cut(host, "host") or self.is_cut(host, "control plane")
        return stalled or cut or self.mean_latency != USUAL_LATENCY

    def blocked(self, direction: Direction) -> bool:
        return direction.to in direction.stream.stalled or self.is_cut(direction.stream.host, direction.to)

    async def dial(self, host: Process) -> HostConnection:
        """Open a stream; a cut line answers never, a dead control plane at once."""
        await asyncio.sleep(self.latency())
        while self.is_cut(host, "host") or self.is_cut(host, "control plane"):  # noqa: ASYNC110
            await asyncio.sleep(1.0)
        doors = list(self._doors)
        if host in self._astray and self.loop.true_time < self._astray_until and self._rng.random() < 0.5:
            control_plane = doors[0] if doors else None
        else:
            control_plane = self._newest if self._newest in doors else None
        if control_plane is None or self.loop.true_time < self.refused_until:
            raise StreamLost("connection refused")
        serve = self._doors[control_plane]
        self._number += 1
        stream = Stream(self, self._number, host, control_plane)
        self.streams = [known for known in self.streams if known.open]
        self.streams.append(stream)
        self.loop.post(control_plane, lambda: self._accept(stream, serve))
        return HostConnection(stream)

    def open_door(self, process: Process, serve: Serve) -> None:
        """A control plane listens, and from now on the address leads to it."""
        self._doors[process] = serve
        self._newest = process

    def handlers(self, process: Process | None) -> list[asyncio.Task[None]]:
        """The calls that a control plane serves."""
        mine = [stream for stream in self.streams if stream.control_plane is process]
        return [stream.handler for stream in mine if stream.handler is not None and not stream.handler.done()]

    def close_door(self, process: Process) -> None:
        """A control plane listens no more."""
        self._doors.pop(process, None)

    def _accept(self, stream: Stream, serve: Serve) -> None:
        stream.handler = self.loop.spawn(stream.control_plane, serve(stream))

    # Faults.

    def cut(self, host: str, to: str, seconds: float) -> None:
        """Let nothing through to one side for a time; a cut that lasts ends the streams by keepalive."""
        end = self.loop.true_time + seconds
        self._cuts[host, to] = max(self._cuts.get((host, to), 0.0), end)
        self.at(end + 1e-3, self.flush)
        for stream in self.streams:
            if stream.host.machine.name == host:
                for direction in stream.directions():
                    patience = self._rng.uniform(*KEEPALIVE_SECONDS)
                    if seconds > patience:
                        direction.lose(StreamLost("keepalive"), after=patience)

    def lead_astray(self, hosts: list[Process], seconds: float) -> None:
        """Let some of the connections of these hosts reach the control plane of before."""
        self._astray = hosts
        self._astray_until = self.loop.true_time + seconds

    def stall(self, stream: Stream, to: str, seconds: float) -> None:
        """Hold one direction's messages back while the connection lives."""
        stream.stalled.add(to)

        def go_on() -> None:
            stream.stalled.discard(to)
            self.flush()

        self.at(self.loop.true_time + seconds, go_on)

    def reset(self, stream: Stream) -> None:
        """End a stream on both sides; of what is on its way, any suffix is lost."""
        for direction in stream.directions():
            direction.lose(StreamLost("reset"), after=self._rng.uniform(0.0, 0.1))

    def reset_all(self) -> None:
        """Reset every stream there is."""
        for stream in self.streams:
            if stream.open:
                self.reset(stream)

    def lose_streams_of(self, process: Process, *, half_open: bool) -> None:
        """A process is gone or stopped: the other sides learn it soon, or from keepalive."""
        for stream in self.streams:
            if process in (stream.host, stream.control_plane):
                other = stream.to_host if process is stream.control_plane else stream.to_control_plane
                after = self._rng.uniform(*KEEPALIVE_SECONDS) if half_open else self._rng.uniform(0.0, 1.0)
                other.lose(StreamLost("keepalive" if half_open else "reset"), after=after)

    def stopped(self, process: Process) -> None:
        """A process was stopped: after the keepalive, if it is stopped still, the other sides give its streams up."""
        for stream in self.streams:
            if process in (stream.host, stream.control_plane):
                other = stream.to_host if process is stream.control_plane else stream.to_control_plane
                mine = stream.to_control_plane if process is stream.control_plane else stream.to_host
                at = self.loop.true_time + self._rng.uniform(*KEEPALIVE_SECONDS)

                def give_up(other: Direction = other, mine: Direction = mine) -> None:
                    if process.stopped:
                        other.lose(StreamLost("keepalive"))
                        mine.lose(StreamLost("reset"))

                self.at(at, give_up)

    def heal(self) -> None:
        """Everything comes through again."""
        self._cuts.clear()
        self.refused_until = self._astray_until = 0.0
        for stream in self.streams:
            stream.stalled.clear()
        self.flush()

    def flush(self) -> None:
        for stream in self.streams:
            for direction in stream.directions():
                direction.deliver()


def _as_the_host_sees_it(error: TabkeepError) -> Exception:
    if isinstance(error, _FINAL):
        return AttachRefused(error.reason, error.message)
    retry_after = getattr(error, "retry_after", None)
    return StreamLost(f"{error.reason}: {error.message}", retry_after.total_seconds() if retry_after else None)


def _summary(body: bytes, to: str) -> str:
    if not body:
        return "half-close"
    message: Any = (host_pb2.AttachResponse if to == "host" else host_pb2.AttachRequest).FromString(body)
    kind = message.WhichOneof("message")
    if kind == "command":
        kind = f"command {message.command.command_id} {message.command.WhichOneof('kind')} "
        kind += f"{message.command.browser_session_id[-6:]}/{message.command.fence}"
    elif kind == "event_batch":
        kind += "".join(f" {one.event.run_id[-6:]}:{one.event.seq}" for one in message.event_batch.events)
    elif kind in ("tombstone", "tombstone_ack"):
        stone = getattr(message, kind)
        kind += f" {stone.browser_session_id[-6:]}/{stone.fence}"
    elif kind in ("heartbeat", "heartbeat_ack"):
        kind += f" {getattr(message, kind).heartbeat_no}"
    elif kind == "event_ack":
        kind += f" {message.event_ack.run_id[-6:]}:{message.event_ack.seq}"
    return f"{kind} [{hashlib.sha256(body).hexdigest()[:8]}]"
