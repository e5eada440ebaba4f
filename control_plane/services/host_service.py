"""HostService: convert, move or read, convert back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import hosts_pb2 as pb
from tabkeep.v1 import hosts_pb2_grpc as pb_grpc

from control_plane import wire
from control_plane.coordinator import Coordinator
from control_plane.entities.hosts import ATTACHED, Host, HostState
from control_plane.errors import NotFound
from control_plane.fields import Fields
from control_plane.moves import host_moves, host_standing
from control_plane.store import Tables

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_FORGOTTEN_AFTER = timedelta(hours=24)


class HostService(pb_grpc.HostServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    async def ListHosts(self, request: pb.ListHostsRequest, context: Context) -> pb.ListHostsResponse:
        oldest = self._coordinator.clock.now() - _FORGOTTEN_AFTER
        found, brake = await self._coordinator.database.read(lambda tables: (tables.hosts.all(), self._brake(tables)))
        shown = [host for host in found if host.state in ATTACHED or host.state_time > oldest]
        return pb.ListHostsResponse(hosts=[self._shown(host, brake) for host in shown])

    async def GetHost(self, request: pb.GetHostRequest, context: Context) -> pb.GetHostResponse:
        host, brake = await self._coordinator.database.read(
            lambda tables: (tables.hosts.get(request.host_id), self._brake(tables))
        )
        if host is None:
            raise NotFound(f"host {request.host_id} does not exist", reason="HOST_NOT_FOUND", host_id=request.host_id)
        return pb.GetHostResponse(host=self._shown(host, brake))

    async def DrainHost(self, request: pb.DrainHostRequest, context: Context) -> pb.DrainHostResponse:
        fields = Fields()
        limit = fields.duration(request, "drain_timeout", timedelta(), timedelta(hours=24), timedelta(minutes=10))
        fields.raise_if_wrong()
        host = await self._coordinator.move(host_moves.drain, request.host_id, limit)
        return pb.DrainHostResponse(host=self._shown(host))

    async def ReleaseHost(self, request: pb.ReleaseHostRequest, context: Context) -> pb.ReleaseHostResponse:
        host = await self._coordinator.move(host_moves.release, request.host_id)
        return pb.ReleaseHostResponse(host=self._shown(host))

    def _brake(self, tables: Tables) -> str:
        return host_standing.mass_loss(tables, self._coordinator.config.action_lease)

    def _shown(self, host: Host, brake: str = "") -> pb.Host:
        if brake and host.state in (HostState.READY, HostState.SUSPECT):
            host = replace(host, state_message="; ".join(filter(None, (host.state_message, brake))))
        clock, pulse = self._coordinator.clock, self._coordinator.pulses.get(host.host_id)
        if pulse is None or self._coordinator.links.get(host.host_id) is None:
            return wire.host(host, 0.0, 0, None)
        heard = clock.now() - timedelta(seconds=clock.monotonic() - pulse.heard_at)
        return wire.host(host, pulse.load_average, pulse.available_memory_bytes, heard)
