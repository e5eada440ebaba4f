"""Real proxies of the tests' own: HTTP (also over TLS) and SOCKS5, with users, and a note of all they are asked for.

They lead every name with one ending to this machine, so that a page with such a name is reached through them only.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class TestProxy:
    """A proxy under way."""

    __test__ = False

    ports: dict[int, int]
    """Where the ports of the names below are on this machine."""
    ending: str = field(default=".test", kw_only=True)
    username: str = ""
    password: str = ""
    asked: list[str] = field(default_factory=list)
    """host:port of each connection, as the client named it."""
    refused: int = 0
    port: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    server: asyncio.Server | None = None

    @property
    def authorization(self) -> str:
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    async def reach(self, host: str, port: int) -> Streams:
        self.asked.append(f"{host}:{port}")
        if host.endswith(self.ending):
            return await asyncio.open_connection("127.0.0.1", self.ports[port])
        return await asyncio.open_connection(host, port)

    async def die(self) -> None:
        """End all connections and listen no more."""
        assert self.server is not None
        self.server.close()
        for writer in list(self.open):
            writer.transport.abort()


@contextlib.asynccontextmanager
async def http_proxy(proxy: TestProxy, tls: ssl.SSLContext | None = None) -> AsyncIterator[TestProxy]:
    """Run an HTTP proxy: CONNECT, and plain requests with a whole URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.rstrip().split("\r\n")
        method, target, _ = line.split(" ")
        given = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
        if proxy.username and given.get("proxy-authorization") != proxy.authorization:
            proxy.refused += 1
            writer.write(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=test\r\n"
                b"Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
            return
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            try:
                there = await proxy.reach(host.strip("[]"), int(port))
            except (OSError, KeyError):
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            parts = urlsplit(target)
            there = await proxy.reach(parts.hostname or "", parts.port or 80)
            kept = [one for one in fields if not one.lower().startswith("proxy-")]
            path = parts._replace(scheme="", netloc="").geturl() or "/"
            there[1].write("\r\n".join([f"{method} {path} HTTP/1.1", *kept, "", ""]).encode("latin-1"))
        await _both_ways((reader, writer), there)

    async with _serving(proxy, serve, tls):
        yield proxy


@contextlib.asynccontextmanager
async def socks_proxy(proxy: TestProxy) -> AsyncIterator[TestProxy]:
    """Run a SOCKS5 proxy (RFC 1928), with users (RFC 1929) where the proxy has one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        wanted = 2 if proxy.username else 0
        if wanted not in methods:
            proxy.refused += 1
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, wanted]))
        if wanted:
            _, length = await reader.readexactly(2)
            user = (await reader.readexactly(length)).decode()
            password = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
            good = (user, password) == (proxy.username, proxy.password)
            writer.write(b"\x01\x00" if good else b"\x01\x01")
            if not good:
                proxy.refused += 1
                return
        _, _, _, kind = await reader.readexactly(4)
        assert kind == 3, "names are to be resolved here"
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        try:
            there = await proxy.reach(host, port)
        except (OSError, KeyError):
            writer.write(b"\x05\x05\x00\x01" + bytes(6))
            return
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await _both_ways((reader, writer), there)

    async with _serving(proxy, serve, None):
        yield proxy


@contextlib.asynccontextmanager
async def _serving(proxy: TestProxy, serve: Callable[..., object], tls: ssl.SSLContext | None) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[object]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        proxy.open.add(writer)
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await serve(reader, writer)  # type: ignore[misc]
                await writer.drain()
        finally:
            writer.close()
            proxy.open.discard(writer)
            tasks.discard(task)

    proxy.server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    proxy.port = proxy.server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        proxy.server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _both_ways(client: Streams, there: Streams) -> None:
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()

    try:
        await asyncio.gather(pump(client[0], there[1]), pump(there[0], client[1]))
    finally:
        there[1].close()
