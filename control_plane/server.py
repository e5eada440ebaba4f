"""Builds the control plane out of its parts, and ends it in order. Tests and the program use the same one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
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

from control_plane import first_keys, proxy_locations, wire
from control_plane.clock import Clock, SystemClock
from control_plane.config import Config
from control_plane.coordinator import Coordinator
from control_plane.entities.keys import KeyBook
from control_plane.entities.runs import Run
from control_plane.errors import Unavailable
from control_plane.http import seed_routes, seed_runs
from control_plane.http.app import Gateway, all_resources
from control_plane.http.calls import Calls
from control_plane.http.cdp_socket import CdpSocket
from control_plane.http.limits import Limits
from control_plane.http.seed_links import Links
from control_plane.http.serving import listening
from control_plane.http.take_over_links import TakeOverLinks
from control_plane.http.take_over_page import TakeOverPage
from control_plane.http.view_tokens import ViewTokens
from control_plane.interceptors import CallInterceptor
from control_plane.keeping.artifact_keeping import ArtifactKeeping
from control_plane.keeping.blobs import Blobs
from control_plane.keeping.state_files import StateFiles
from control_plane.keeping.state_keeping import StateKeeping
from control_plane.live.captures import Captures
from control_plane.live.tunnels import Tunnels
from control_plane.moves import cdp_moves, credential_moves
from control_plane.networks import Networks
from control_plane.page_options import PageSettings
from control_plane.page_tokens import PageTokens
from control_plane.sealing.seals import Seals
from control_plane.sealing.vault import Vault
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
from control_plane.store import Database
from control_plane.webhook_deliverer import WebhookDeliverer

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
_PUBLIC = [
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


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane."""

    config: Config
    coordinator: Coordinator
    database: Database
    address: str
    """Where it listens for gRPC, host:port."""
    http_address: str = ""
    """Where it listens for HTTP; empty when it does not."""


@contextlib.asynccontextmanager
async def serve(
    config: Config, clock_after: Callable[[datetime | None], Clock] = SystemClock
) -> AsyncIterator[ControlPlane]:
    """A control plane that runs while the context is entered, and ends in order when it is left.

    Raises:
        StoreUnusable: the database cannot be opened.
        ConfigInvalid: the file of proxy locations says something wrong.
        OSError: the address cannot be listened on.
    """
    database = await Database.open(config, clock_after)
    writer = asyncio.create_task(database.serve(), name="store writer")
    checking = asyncio.create_task(database.check(), name="database check")
    try:
        secret = await first_keys.pepper(database, config.data_dir)
        networks = Networks(proxy_locations.load(config.proxy_locations), secret)
        settings = networks, PageSettings(secret)
        vault = await first_keys.open_vault(database, config)
        coordinator = Coordinator(database, await _keys(config, database, secret), config)
        await coordinator.start()
        await coordinator.move(cdp_moves.forget_clients)
        keeping = StateKeeping(coordinator, StateFiles(config.data_dir / "profiles"), vault)
        await keeping.open_up()
        blobs = Blobs(config.data_dir / "blobs")
        artifacts = ArtifactKeeping(coordinator, blobs)
        files = Blobs(config.data_dir / "files")
        await files.sweep(await database.read(lambda tables: tables.files.ids()))
        removing = asyncio.create_task(artifacts.serve(), name="artifacts")
        await coordinator.move(credential_moves.rewrap, vault)
        deadlines = asyncio.create_task(coordinator.serve_deadlines(), name="deadlines")
        upkeep = asyncio.create_task(keeping.serve(), name="browser states")
        deliverer = WebhookDeliverer(
            coordinator, Seals(secret, "webhooks"), secret, partial(_webhook_body, config.http_url)
        )
        webhooks = asyncio.create_task(deliverer.serve(), name="webhooks")
        try:
            keepings = keeping, artifacts, files
            async with _listening(config, coordinator, secret, vault, keepings, settings) as (address, http_address):
                yield ControlPlane(config, coordinator, database, address, http_address)
        finally:
            await _end(webhooks)
            await _end(upkeep)
            await _end(removing)
            await _end(deadlines)
    finally:
        await _end(checking)
        await _end(writer)
        await database.close()


async def _keys(config: Config, database: Database, secret: bytes) -> KeyBook:
    return await first_keys.open_keys(database, config.data_dir, secret, config.first_host_token_for)


@contextlib.asynccontextmanager
async def _listening(
    config: Config,
    coordinator: Coordinator,
    secret: bytes,
    vault: Vault,
    keepings: tuple[StateKeeping, ArtifactKeeping, Blobs],
    settings: tuple[Networks, PageSettings],
) -> AsyncIterator[tuple[str, str]]:
    keeping, artifacts, files = keepings
    interceptor = CallInterceptor(coordinator.keys, coordinator.clock)
    server = grpc.aio.server(interceptors=[interceptor], options=_OPTIONS)
    services: Any = _Services(server)
    page_tokens, blobs, captures = PageTokens(secret), artifacts.blobs, Captures()
    seals = Seals(secret, "webhooks")
    take_overs = TakeOverLinks(secret, coordinator.keys, coordinator.clock)
    browser_sessions_pb2_grpc.add_BrowserSessionServiceServicer_to_server(
        BrowserSessionService(coordinator, page_tokens, take_overs, *settings), services
    )
    browser_profiles_pb2_grpc.add_BrowserProfileServiceServicer_to_server(
        BrowserProfileService(coordinator, page_tokens, keeping, captures), services
    )
    plans = Seals(secret, "plans")
    runs_pb2_grpc.add_RunServiceServicer_to_server(
        RunService(coordinator, page_tokens, seals, plans, *settings), services
    )
    recordings_pb2_grpc.add_RecordingServiceServicer_to_server(RecordingService(coordinator, page_tokens), services)
    workflows_pb2_grpc.add_WorkflowServiceServicer_to_server(WorkflowService(coordinator, page_tokens), services)
    artifacts_pb2_grpc.add_ArtifactServiceServicer_to_server(ArtifactService(coordinator, blobs, captures), services)
    hosts_pb2_grpc.add_HostServiceServicer_to_server(HostService(coordinator), services)
    keys_pb2_grpc.add_KeyServiceServicer_to_server(KeyService(coordinator, secret), services)
    usage_pb2_grpc.add_UsageServiceServicer_to_server(UsageService(coordinator), services)
    webhooks_pb2_grpc.add_WebhookServiceServicer_to_server(
        WebhookService(coordinator, page_tokens, seals, secret), services
    )
    host_pb2_grpc.add_HostControlServiceServicer_to_server(HostControlService(coordinator, plans, *settings), services)
    host_pb2_grpc.add_HostBlobServiceServicer_to_server(
        HostBlobService(coordinator, blobs, artifacts, keeping, captures, files), services
    )
    files_pb2_grpc.add_FileServiceServicer_to_server(FileService(coordinator, files, page_tokens), services)
    credentials_pb2_grpc.add_CredentialServiceServicer_to_server(CredentialService(coordinator, vault), services)
    host_pb2_grpc.add_HostSecretServiceServicer_to_server(HostSecretService(coordinator, vault), services)
    tunnels = Tunnels()
    tunnel_pb2_grpc.add_HostTunnelServiceServicer_to_server(HostTunnelService(coordinator, tunnels), services)
    names = [service.full_name for module in _PUBLIC for service in module.DESCRIPTOR.services_by_name.values()]
    health_service = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_service, services)
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], services)
    try:
        port = server.add_insecure_port(config.grpc_address)
    except RuntimeError as error:
        raise OSError(
            f"cannot listen on {config.grpc_address}: it is in use or not an address of this machine"
        ) from error
    await server.start()
    for name in ("", *names):
        await health_service.set(name, health_pb2.HealthCheckResponse.SERVING)
    address = f"{config.grpc_address.rpartition(':')[0]}:{port}"
    logger.info("listening", extra={"address": address})
    try:
        async with _listening_for_http(
            coordinator, blobs, secret, Calls(interceptor, services.handlers), tunnels, take_overs
        ) as http_address:
            try:
                yield address, http_address
            finally:
                # Before either server waits for its calls: held polls and streams end now, and new work is refused.
                await health_service.enter_graceful_shutdown()
                coordinator.draining = True
                coordinator.feed.close()
                coordinator.links.end_all(
                    Unavailable(
                        "the control plane is being stopped", reason="DRAINING", retry_after=timedelta(seconds=1)
                    )
                )
    finally:
        await server.stop(grace=2)
        logger.info("stopped listening", extra={"address": address})


def _webhook_body(http_url: str, run: Run) -> bytes:
    return seed_runs.webhook_body(wire.run(run), http_url)


@contextlib.asynccontextmanager
async def _listening_for_http(
    coordinator: Coordinator,
    blobs: Blobs,
    secret: bytes,
    calls: Calls,
    tunnels: Tunnels,
    take_overs: TakeOverLinks,
) -> AsyncIterator[str]:
    config = coordinator.config
    if not config.http_address:
        yield ""
        return
    limits = Limits()
    hosts = (config.http_address.rpartition(":")[0], *config.http_hosts)
    links = Links(ViewTokens(secret), coordinator.clock, config.http_url)
    page = TakeOverPage(take_overs, links, coordinator)
    resources = all_resources(calls, [*seed_routes.resources(coordinator, blobs, links), *page.resources()])
    gateway = Gateway(resources, calls, hosts, limits, CdpSocket(coordinator, tunnels, take_overs))
    async with listening(config.http_address, gateway, limits) as address:
        coordinator.gateway_url = config.http_url or f"http://{address}"
        yield address


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


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
