"""HostTunnelService: joins a host's browser to the CDP client that waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from tabkeep.host.v1 import tunnel_pb2
from tabkeep.host.v1 import tunnel_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities import keys
from control_plane.errors import HostProtocolError, PreconditionFailed
from control_plane.interceptors import caller
from control_plane.live.tunnels import FRAME_BYTES, Frame, Tunnel, TunnelEnded, Tunnels
from control_plane.moves import profile_saves

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_LONGEST_FAILURE = 500
_UNSAID = "the browser host ended the connection"


class HostTunnelService(pb_grpc.HostTunnelServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator, tunnels: Tunnels) -> None:
        self._coordinator = coordinator
        self._tunnels = tunnels

    async def Tunnel(
        self, request_iterator: AsyncIterator[tunnel_pb2.TunnelRequest], context: Context
    ) -> AsyncIterator[tunnel_pb2.TunnelResponse]:
        first = await anext(request_iterator, None)
        if first is None or first.WhichOneof("part") != "header":
            raise HostProtocolError("the first message of a tunnel must be its header")
        header = first.header
        keys.refuse_other_host(caller.get(), header.host_id)
        placement = (header.browser_session_id, header.fence)
        await self._coordinator.database.read(
            lambda tables: profile_saves.placed_session(tables, header.host_id, *placement)
        )
        tunnel = self._tunnels.join(header.tunnel_id, *placement, header.failure[:_LONGEST_FAILURE])
        if tunnel is None:
            raise PreconditionFailed(f"nobody waits for tunnel {header.tunnel_id[:64]}", reason="STALE_FENCE")
        if header.failure:
            return
        listening = asyncio.create_task(_listen(tunnel, request_iterator))
        try:
            while True:
                frame = await tunnel.heard_by_browser()
                carried = tunnel_pb2.TunnelFrame(content=frame.content, last=frame.last)
                yield tunnel_pb2.TunnelResponse(frame=carried)
        except TunnelEnded:
            return
        finally:
            tunnel.end(_UNSAID)
            listening.cancel()
            await asyncio.wait({listening})


async def _listen(tunnel: Tunnel, requests: AsyncIterator[tunnel_pb2.TunnelRequest]) -> None:
    """Take in what the browser says, until one side ends the call."""
    try:
        async for request in requests:
            if request.WhichOneof("part") == "end":
                tunnel.end(request.end.cause[:_LONGEST_FAILURE])
                return
            if len(request.frame.content) > FRAME_BYTES:
                tunnel.end("the browser host broke the protocol: a frame is too large")
                return
            await tunnel.tell_client(Frame(request.frame.content, request.frame.last))
    except TunnelEnded:
        return
    finally:
        tunnel.end(_UNSAID)
