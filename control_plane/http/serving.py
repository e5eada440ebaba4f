"""The gateway's server: uvicorn in the control plane's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.http.connection import BoundedConnection
from control_plane.http.limits import Limits
from control_plane.http.web_socket import BoundedWebSocket

logger = logging.getLogger(__name__)

GRACE_SECONDS = 2
"""For answers that are under way when the control plane stops."""
_BACKLOG = 1024
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
"""With every answer; a route may set its own instead."""


@contextlib.asynccontextmanager
async def listening(address: str, app: ASGIApp, limits: Limits) -> AsyncIterator[str]:
    """Serve `app` while the context is entered; yields the address, host:port, that it really has.

    Raises:
        OSError: the address cannot be listened on.
    """
    _allow_open_files(3 * limits.connections)
    listener = _listener(address)
    bound = f"{address.rpartition(':')[0]}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        _with_headers(app),
        http=BoundedConnection.of(limits),
        ws=BoundedWebSocket.of(limits),
        ws_max_size=limits.message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=limits.ping_seconds,
        ws_ping_timeout=limits.ping_seconds,
        lifespan="off",
        log_config=None,
        log_level=logging.ERROR,  # a malformed request is no warning to the operator
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=round(limits.idle_seconds),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    # Not `serve`, which takes the process's signals: those are the program's.
    serving = asyncio.create_task(server._serve(sockets=[listener]), name="http gateway")
    logger.info("listening for http", extra={"address": bound})
    try:
        yield bound
    finally:
        server.stop()
        await serving
        logger.info("stopped listening for http", extra={"address": bound})


class _Server(uvicorn.Server):
    """Uvicorn's server, which looks ten times a second whether it is to stop; this one is told."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin to end it."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Keep the answers' date until it is to stop."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stopping.wait()


def _allow_open_files(needed: int) -> None:
    """Raise this process's bound on open files, which is often 1,024, as far as that is allowed and needed."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < needed:
            logger.warning("few open files are allowed", extra={"allowed": allowed, "needed": needed})


def _with_headers(app: ASGIApp) -> ASGIApp:
    """`app` with our headers where an answer has none of the name. Uvicorn's own would stand beside an answer's, and of
    two policies a browser keeps both."""

    async def headed(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", [])
                names = {name for name, _ in given}
                message["headers"] = [*given, *(header for header in _HEADERS if header[0] not in names)]
            await send(message)

        await app(scope, receive, send_headed)

    return headed


def _listener(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, int(port)), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise OSError(f"cannot listen on {address} for HTTP: {error.strerror}; TABKEEP_HTTP_ADDRESS sets it") from error
    # Connections inherit it. asyncio sets it only on sockets that were made with the protocol's number, which these are
    # not; a body that follows its head in a second packet then waits 40 ms for the head's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
