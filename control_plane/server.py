"""Builds the control plane out of its parts, and ends it in order. Tests and the program use the same one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from control_plane import first_keys, grpc_serving, proxy_locations
from control_plane.clock import Clock, SystemClock
from control_plane.config import Config
from control_plane.coordinator import Coordinator
from control_plane.entities.runs import Run
from control_plane.errors import Unavailable
from control_plane.http import seed_routes, seed_runs, serving
from control_plane.http.app import Gateway, all_resources
from control_plane.http.calls import Calls
from control_plane.http.cdp_socket import CdpSocket
from control_plane.http.limits import Limits
from control_plane.http.seed_links import Links
from control_plane.http.take_over_links import TakeOverLinks
from control_plane.http.take_over_page import TakeOverPage
from control_plane.http.view_tokens import ViewTokens
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
from control_plane.parts import Parts
from control_plane.sealing.seals import Seals
from control_plane.store import Database
from control_plane.webhook_deliverer import WebhookDeliverer
from control_plane.wire import run_wire


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
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await stack.enter_async_context(_running(database.serve(), "store writer"))
        await stack.enter_async_context(_running(database.check(), "database check"))
        parts = await _recovered(config, database)
        coordinator = parts.coordinator
        deliverer = WebhookDeliverer(
            coordinator, parts.webhook_seals, parts.secret, partial(_webhook_body, config.http_url)
        )
        await stack.enter_async_context(_running(coordinator.serve_deadlines(), "deadlines"))
        await stack.enter_async_context(_running(parts.artifacts.serve(), "artifacts"))
        await stack.enter_async_context(_running(parts.states.serve(), "browser states"))
        await stack.enter_async_context(_running(deliverer.serve(), "webhooks"))
        served = await stack.enter_async_context(grpc_serving.listening(config.grpc_address, parts))
        calls = Calls(served.interceptor, served.handlers)
        http_address = await stack.enter_async_context(_listening_for_http(parts, calls))
        # Before either server waits for its calls: held polls and streams end now, and new work is refused.
        stack.callback(_end_calls, coordinator)
        stack.push_async_callback(served.health.enter_graceful_shutdown)
        yield ControlPlane(config, coordinator, database, served.address, http_address)


async def _recovered(config: Config, database: Database) -> Parts:
    """All parts, once what an earlier process left half-done is in order."""
    secret = await first_keys.pepper(database, config.data_dir)
    networks = Networks(proxy_locations.load(config.proxy_locations), secret)
    vault = await first_keys.open_vault(database, config)
    keys = await first_keys.open_keys(database, config.data_dir, secret, config.first_host_token_for)
    coordinator = Coordinator(database, keys, config)
    await coordinator.start()
    await coordinator.move(cdp_moves.forget_clients)
    states = StateKeeping(coordinator, StateFiles(config.data_dir / "profiles"), vault)
    await states.open_up()
    files = Blobs(config.data_dir / "files")
    await files.sweep(await database.read(lambda tables: tables.files.ids()))
    await coordinator.move(credential_moves.rewrap, vault)
    return Parts(
        coordinator=coordinator,
        secret=secret,
        vault=vault,
        networks=networks,
        page_settings=PageSettings(secret),
        states=states,
        artifacts=ArtifactKeeping(coordinator, Blobs(config.data_dir / "blobs")),
        files=files,
        webhook_seals=Seals(secret, "webhooks"),
        plan_seals=Seals(secret, "plans"),
        page_tokens=PageTokens(secret),
        captures=Captures(),
        tunnels=Tunnels(),
        take_overs=TakeOverLinks(secret, keys, coordinator.clock),
    )


@contextlib.asynccontextmanager
async def _listening_for_http(parts: Parts, calls: Calls) -> AsyncIterator[str]:
    """Where the gateway listens while the context is entered; "" where the settings want none."""
    coordinator, config = parts.coordinator, parts.coordinator.config
    if not config.http_address:
        yield ""
        return
    limits = Limits()
    hosts = (config.http_address.rpartition(":")[0], *config.http_hosts)
    links = Links(ViewTokens(parts.secret), coordinator.clock, config.http_url)
    page = TakeOverPage(parts.take_overs, links, coordinator)
    routes = seed_routes.resources(coordinator, parts.artifacts.blobs, parts.files, links)
    socket = CdpSocket(coordinator, parts.tunnels, parts.take_overs)
    gateway = Gateway(all_resources(calls, [*routes, *page.resources()]), calls, hosts, limits, socket)
    async with serving.listening(config.http_address, gateway, limits) as address:
        coordinator.gateway_url = config.http_url or f"http://{address}"
        yield address


def _webhook_body(http_url: str, run: Run) -> bytes:
    return seed_runs.webhook_body(run_wire.run(run), http_url)


def _end_calls(coordinator: Coordinator) -> None:
    """End what is held, refuse what is new, and send the hosts away."""
    coordinator.draining = True
    coordinator.feed.close()
    coordinator.links.end_all(
        Unavailable("the control plane is being stopped", reason="DRAINING", retry_after=timedelta(seconds=1))
    )


@contextlib.asynccontextmanager
async def _running(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Do work in a task while the context is entered."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
