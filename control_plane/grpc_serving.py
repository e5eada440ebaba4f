"""The gRPC server: all services, health and reflection on one port."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tabkeep.host.v1 import host_pb2, host_pb2_grpc, tunnel_pb2, tunnel_pb2_grpc
from tabkeep.v1 import (
    artifacts_pb2,
    artifacts_pb2_grpc,
    browser_profiles_pb2,
    browser_profiles_pb2_grpc,
    browser_sessions_pb2,
    browser_sessions_pb2_grpc,
    credentials_pb2,
    credentials_pb2_grpc,
    files_pb2,
    files_pb2_grpc,
    hosts_pb2,
    hosts_pb2_grpc,
    keys_pb2,
    keys_pb2_grpc,
    recordings_pb2,
    recordings_pb2_grpc,
    runs_pb2,
    runs_pb2_grpc,
    usage_pb2,
    usage_pb2_grpc,
    webhooks_pb2,
    webhooks_pb2_grpc,
    workflows_pb2,
    workflows_pb2_grpc,
)

from control_plane.interceptors import CallInterceptor
from control_plane.parts import Parts
from control_plane.services.artifact_service import ArtifactService
from control_plane.services.browser_profile_service import BrowserProfileService
from control_plane.services.browser_session_service import BrowserSessionService
from control_plane.services.credential_service import CredentialService
from control_plane.services.file_service import FileService
from control_plane.services.host_blob_service import HostBlobService
from control_plane.services.host_control_service import HostControlService
from control_plane.services.host_secret_service import HostSecretService
from control_plane.services.host_service import HostService
from control_plane.services.host_tunnel_service import HostTunnelService
from control_plane.services.key_service import KeyService
from control_plane.services.recording_service import RecordingService
from control_plane.services.run_service import RunService
from control_plane.services.usage_service import UsageService
from control_plane.services.webhook_service import WebhookService
from control_plane.services.workflow_service import WorkflowService

logger = logging.getLogger(__name__)

_OPTIONS = [
    # A dead peer is noticed after 10 + 5 s; without ping_timeout_ms it would be after a minute.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_concurrent_streams", 1_000),
    ("grpc.so_reuseport", 0),
]
_PROTOS = [
    browser_sessions_pb2,
    browser_profiles_pb2,
    runs_pb2,
    recordings_pb2,
    workflows_pb2,
    artifacts_pb2,
    credentials_pb2,
    files_pb2,
    hosts_pb2,
    keys_pb2,
    usage_pb2,
    webhooks_pb2,
    host_pb2,
    tunnel_pb2,
]
_GRACE_SECONDS = 5.0
"""How long calls may take to end when the server stops; who is cut off is told CANCELLED, which no client repeats."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that listens."""

    address: str
    """host:port"""
    interceptor: CallInterceptor
    handlers: Mapping[str, Any]
    """By "package.Service/Method", for who calls services in this process."""
    health: HealthService


@contextlib.asynccontextmanager
async def listening(address: str, parts: Parts) -> AsyncIterator[Served]:
    """A server that listens while the context is entered; who leaves it has ended held calls before.

    Raises:
        OSError: the address cannot be listened on.
    """
    interceptor = CallInterceptor(parts.coordinator.keys, parts.coordinator.clock)
    server = grpc.aio.server(interceptors=[interceptor], options=_OPTIONS)
    services: Any = _Services(server)
    _add_public(services, parts)
    _add_hosts(services, parts)
    names = [service.full_name for module in _PROTOS for service in module.DESCRIPTOR.services_by_name.values()]
    health_service = HealthService()
    health_pb2_grpc.add_HealthServicer_to_server(health_service, services)
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], services)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}: it is in use or not an address of this machine") from error
    await server.start()
    for name in ("", *names):
        await health_service.set(name, health_pb2.HealthCheckResponse.SERVING)
    bound = f"{address.rpartition(':')[0]}:{port}"
    logger.info("listening", extra={"address": bound})
    try:
        yield Served(bound, interceptor, services.handlers, health_service)
    finally:
        await server.stop(grace=_GRACE_SECONDS)
        logger.info("stopped listening", extra={"address": bound})


class HealthService(health.aio.HealthServicer):
    """Health whose watches end with their last word, NOT_SERVING, so that none holds the server's stop up."""

    def __init__(self) -> None:
        super().__init__()
        self.ending = False

    async def enter_graceful_shutdown(self) -> None:
        """Say NOT_SERVING to everybody, from now on."""
        self.ending = True
        await super().enter_graceful_shutdown()

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:
        """Tell the status as often as it changes, until it is the last one."""
        watcher: Any = _Watcher(context, self)
        with contextlib.suppress(_LastWord):
            await super().Watch(request, watcher)


class _LastWord(Exception):
    """Nothing comes after what was written."""


@dataclass(frozen=True, slots=True)
class _Watcher:
    """Who watches, as the library's servicer writes to it."""

    context: Any
    service: HealthService

    async def write(self, response: health_pb2.HealthCheckResponse) -> None:
        await self.context.write(response)
        if self.service.ending:
            raise _LastWord


class _Services:
    """Adds services to a server by their names only, and keeps their handlers for who calls them in this process.

    Generated code also registers every single method, and for each call that comes grpc.aio waits on one task per
    registered method: with all of ours, a tenth of a millisecond.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers
        self.handlers: dict[str, Any] = {}
        """By "package.Service/Method"."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """Leave them out of the server: the generic handlers answer the same methods."""
        for name, handler in method_handlers.items():
            self.handlers[f"{service_name}/{name}"] = handler


def _add_public(services: Any, parts: Parts) -> None:
    """What callers call."""
    coordinator, page_tokens, settings = parts.coordinator, parts.page_tokens, (parts.networks, parts.page_settings)
    browser_sessions_pb2_grpc.add_BrowserSessionServiceServicer_to_server(
        BrowserSessionService(coordinator, page_tokens, parts.take_overs, *settings), services
    )
    browser_profiles_pb2_grpc.add_BrowserProfileServiceServicer_to_server(
        BrowserProfileService(coordinator, page_tokens, parts.states, parts.captures), services
    )
    runs_pb2_grpc.add_RunServiceServicer_to_server(
        RunService(coordinator, page_tokens, parts.webhook_seals, parts.plan_seals, *settings), services
    )
    recordings_pb2_grpc.add_RecordingServiceServicer_to_server(RecordingService(coordinator, page_tokens), services)
    workflows_pb2_grpc.add_WorkflowServiceServicer_to_server(WorkflowService(coordinator, page_tokens), services)
    artifacts_pb2_grpc.add_ArtifactServiceServicer_to_server(
        ArtifactService(coordinator, parts.artifacts.blobs, parts.captures), services
    )
    files_pb2_grpc.add_FileServiceServicer_to_server(FileService(coordinator, parts.files, page_tokens), services)
    credentials_pb2_grpc.add_CredentialServiceServicer_to_server(CredentialService(coordinator, parts.vault), services)
    hosts_pb2_grpc.add_HostServiceServicer_to_server(HostService(coordinator), services)
    keys_pb2_grpc.add_KeyServiceServicer_to_server(KeyService(coordinator, parts.secret), services)
    usage_pb2_grpc.add_UsageServiceServicer_to_server(UsageService(coordinator), services)
    webhooks_pb2_grpc.add_WebhookServiceServicer_to_server(
        WebhookService(coordinator, page_tokens, parts.webhook_seals, parts.secret), services
    )


def _add_hosts(services: Any, parts: Parts) -> None:
    """What hosts call."""
    coordinator = parts.coordinator
    host_pb2_grpc.add_HostControlServiceServicer_to_server(
        HostControlService(coordinator, parts.plan_seals, parts.networks, parts.page_settings), services
    )
    host_pb2_grpc.add_HostBlobServiceServicer_to_server(
        HostBlobService(coordinator, parts.artifacts.blobs, parts.artifacts, parts.states, parts.captures, parts.files),
        services,
    )
    host_pb2_grpc.add_HostSecretServiceServicer_to_server(HostSecretService(coordinator, parts.vault), services)
    tunnel_pb2_grpc.add_HostTunnelServiceServicer_to_server(HostTunnelService(coordinator, parts.tunnels), services)
