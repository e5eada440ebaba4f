"""HostControlService: one stream per host. Reads what the host says, writes what its link holds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from tabkeep.host.v1 import host_pb2
from tabkeep.host.v1 import host_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.errors import DataLoss, HostProtocolError, TabkeepError
from control_plane.interceptors import caller
from control_plane.live.host_links import Link
from control_plane.moves import event_moves, host_moves, host_reports
from control_plane.networks import NO_NETWORKS, Networks
from control_plane.page_options import NO_PAGE_SETTINGS, PageSettings
from control_plane.sealing.seals import Seals
from control_plane.wire import host_wire

logger = logging.getLogger(__name__)

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_MOVES_IN_FLIGHT = 64
"""Moves of one host that wait for their commit; at the bound its stream is not read, heartbeats included."""


class HostControlService(pb_grpc.HostControlServiceServicer):
    """See the proto for what the call does."""

    def __init__(
        self,
        coordinator: Coordinator,
        plans: Seals,
        networks: Networks = NO_NETWORKS,
        page_settings: PageSettings = NO_PAGE_SETTINGS,
    ) -> None:
        """`plans` are the seals of what hosts are to do."""
        self._coordinator = coordinator
        self._plans = plans
        self._networks = networks
        self._page_settings = page_settings

    async def Attach(
        self, request_iterator: AsyncIterator[host_pb2.AttachRequest], context: Context
    ) -> AsyncIterator[host_pb2.AttachResponse]:
        first = await anext(request_iterator, None)
        if first is None:
            return
        hello = host_wire.hello(first)
        link = Link(hello.host_id, hello.incarnation, takes_event_acks=hello.takes_event_acks)
        await self._coordinator.attach(hello, link, caller.get(None))
        stream = _Stream(self._coordinator, link, request_iterator)
        reader = asyncio.create_task(stream.read(), name=f"host {hello.host_id}")
        try:
            async for response in self._outgoing(link, reader):
                yield response
        except HostProtocolError as error:
            await self._coordinator.violated(link, error)
            raise
        finally:
            self._coordinator.links.remove(link)
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            logger.info("host detached", extra={"host_id": link.host_id, "stream_no": link.stream_no})

    async def _outgoing(self, link: Link, reader: asyncio.Task[None]) -> AsyncIterator[host_pb2.AttachResponse]:
        """What the link holds, until the host's side ends or ours is to end."""
        reader.add_done_callback(lambda _: link.wake())
        while message := await link.next():
            try:
                response = host_wire.to_host(
                    message, self._coordinator.config, self._plans, self._networks, self._page_settings
                )
            except DataLoss:
                # Nothing is sent, so nothing is done; the run ends with its time, a launch with its own.
                logger.critical("command not sent: what is sealed in it does not open", extra={"host_id": link.host_id})
                continue
            response.control_epoch = self._coordinator.control_epoch
            response.stream_no = link.stream_no
            yield response
        if link.ended.done():
            raise link.ended.result()
        reader.result()


class _Stream:
    """The reading side of one stream."""

    def __init__(self, coordinator: Coordinator, link: Link, requests: AsyncIterator[host_pb2.AttachRequest]) -> None:
        self._coordinator = coordinator
        self._link = link
        self._requests = requests
        self._in_flight: set[asyncio.Task[None]] = set()

    async def read(self) -> None:
        """Take in messages until the host's side ends; heartbeats do not wait behind the disk."""
        try:
            async for request in self._requests:
                if request.stream_no != self._link.stream_no:
                    raise HostProtocolError(
                        f"host {self._link.host_id} sent stream_no {request.stream_no} on stream {self._link.stream_no}"
                    )
                if request.WhichOneof("message") == "heartbeat":
                    await self._coordinator.heartbeat(self._link, host_wire.heartbeat(request.heartbeat))
                else:
                    await self._begin(request)
            if self._in_flight:
                await asyncio.wait(self._in_flight)  # a goodbye is stored before its stream ends
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return
        finally:
            for task in self._in_flight:
                task.cancel()

    async def _begin(self, request: host_pb2.AttachRequest) -> None:
        """Begin a move; moves of one host are committed in the order in which they were begun."""
        while len(self._in_flight) >= _MOVES_IN_FLIGHT:
            await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(self._move(request))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _move(self, request: host_pb2.AttachRequest) -> None:
        """One message's move; if it fails, the stream ends with its error and the host sends again."""
        try:
            await self._dispatch(request)
        except TabkeepError as error:
            logger.warning(
                "host message refused",
                extra={"host_id": self._link.host_id, "reason": error.reason, "error": error.message},
            )
            self._link.end(error)
        except Exception as error:
            logger.exception("host message broke", extra={"host_id": self._link.host_id})
            self._link.end(TabkeepError(f"the message could not be handled: {type(error).__name__}"))

    async def _dispatch(self, request: host_pb2.AttachRequest) -> None:
        link, hear = self._link, self._coordinator.hear
        match request.WhichOneof("message"):
            case "event_batch":
                await hear(link, event_moves.record_events, host_wire.events(request.event_batch))
            case "command_result":
                await hear(link, host_reports.command_result, host_wire.command_result(request.command_result))
            case "tombstone":
                await hear(link, host_reports.bury, host_wire.tombstone(request.tombstone))
            case "page_report":
                await hear(link, host_reports.show_page, host_wire.page_report(request.page_report))
            case "goodbye":
                await hear(link, host_moves.goodbye, request.goodbye.reason[:1000])
            case "hello":
                raise HostProtocolError(f"host {link.host_id} sent a second Hello on one stream")
            case _:
                raise HostProtocolError(f"host {link.host_id} sent a message this control plane does not know")
