"""HostService: convert, move or read, convert back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import hosts_pb2 as pb
from tabkeep.v1 import hosts_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities.hosts import ATTACHED, Host, HostState
from control_plane.errors import NotFound
from control_plane.fields import Fields
from control_plane.moves import host_moves, host_standing
from control_plane.store import Tables
from control_plane.wire.enums import BROWSER_TYPE_VALUES, EnumPair
from control_plane.wire.times import set_time

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_STATE = EnumPair(pb.HostState, "HOST_STATE_")
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
            return _host(host, 0.0, 0, None)
        heard = clock.now() - timedelta(seconds=clock.monotonic() - pulse.heard_at)
        return _host(host, pulse.load_average, pulse.available_memory_bytes, heard)


def _host(host: Host, load_average: float, available_memory_bytes: int, heartbeat_time: datetime | None) -> pb.Host:
    """A host as operators see it; `heartbeat_time` is better known than the stored one while it is attached."""
    proto = pb.Host(
        host_id=host.host_id,
        state=_STATE.value(host.state.value),
        state_message=_state_message(host),
        capacity=host.capacity,
        sessions=host.slots_used,
        browsers=[
            pb.BrowserOffer(browser_type=BROWSER_TYPE_VALUES[name], version=version)
            for name, version in sorted(host.browsers.items())
            if name in BROWSER_TYPE_VALUES
        ],
        build=host.build,
        incarnation=host.incarnation,
        sandboxed=host.sandboxed,
        extensions=[
            pb.ExtensionOffer(name=name, version=offer.rpartition(" ")[0], sha256=offer.rpartition(" ")[2])
            for name, offer in sorted(host.extensions.items())
        ],
        isolation=_isolation(host.isolation),
        load_average=load_average,
        available_memory_bytes=available_memory_bytes,
    )
    set_time(proto.attach_time, host.attach_time)
    set_time(proto.heartbeat_time, heartbeat_time or host.heartbeat_time)
    set_time(proto.drain_expire_time, host.drain_expire_time)
    return proto


def _isolation(said: dict[str, int]) -> pb.HostIsolation:
    return pb.HostIsolation(
        user_per_session=bool(said.get("user_per_session")),
        session_memory_limit_bytes=said.get("session_memory_limit_bytes", 0),
        session_task_limit=said.get("session_task_limit", 0),
        session_cpu_percent_limit=said.get("session_cpu_percent_limit", 0),
    )


def _state_message(host: Host) -> str:
    """Why the host is in its state, and that it is silent where the state does not say so."""
    if host.silent_time is None or host.state is not HostState.DRAINING:
        return host.state_message
    return f"{host.state_message}; not heard since {host.silent_time:%Y-%m-%dT%H:%M:%SZ}"
