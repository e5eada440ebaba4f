"""A small site for tests of the network: plain and TLS, WebSockets, redirects, downloads; it notes what it is asked."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_TLS_HANDSHAKE = b"\x16"
_WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass
class Site:
    """What it serves by path, and what was asked of it."""

    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Content type and body by path; every other path is answered with its own name."""
    hits: list[tuple[str, int, str, str]] = field(default_factory=list)
    """Address and port it was reached at, Host, and path."""
    ports: dict[int, int] = field(default_factory=dict)

    def paths(self) -> set[str]:
        return {path for _, _, _, path in self.hits}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            with contextlib.suppress(OSError, EOFError, ValueError, asyncio.CancelledError):
                while await self._one(reader, writer):
                    pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether there may be another."""
        first = await reader.readexactly(1)
        if first == _TLS_HANDSHAKE:  # as a server does that has been told no certificate: it hangs up
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.rstrip().split("\r\n")
        method, target, _ = line.split(" ")
        given = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
        await reader.readexactly(int(given.get("content-length", 0)))
        at = writer.get_extra_info("sockname")
        self.hits.append((at[0], at[1], given.get("host", ""), target))
        if "sec-websocket-key" in given:
            await self._websocket(given["sec-websocket-key"], reader, writer)
            return False
        self._answer(method, target, writer)
        await writer.drain()
        return given.get("connection", "").lower() != "close"

    def _answer(self, method: str, target: str, writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(target)
        if parts.path == "/redirect":
            to = parse_qs(parts.query)["to"][0]
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        kind, body = self.pages.get(parts.path, ("text/plain", f"this is {unquote(target)}".encode()))
        more = "Content-Disposition: attachment\r\n" if parts.path.startswith("/download") else ""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}"
        writer.write((head + "Access-Control-Allow-Origin: *\r\nService-Worker-Allowed: /\r\n\r\n").encode())
        if method != "HEAD":
            writer.write(body)

    async def _websocket(self, key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the handshake and send one text; enough for a page to know that it is connected."""
        accept = base64.b64encode(hashlib.sha1(f"{key}{_WEBSOCKET}".encode()).digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
            + b"\x81\x05hello"
        )
        await writer.drain()
        await reader.read()


@contextlib.asynccontextmanager
async def serving(site: Site, **ports: tuple[str, int, ssl.SSLContext | None]) -> AsyncIterator[Site]:
    """Serve it; `ports` are address, port (0: a free one) and TLS, and `site.ports` says by the names what they became.

    The names are those of the ports that pages use: `p80`, `p443`.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await site.serve(reader, writer)

    servers = []
    try:
        for name, (address, port, tls) in ports.items():
            server = await asyncio.start_server(accept, address, port, ssl=tls)
            servers.append(server)
            site.ports[int(name.removeprefix("p"))] = server.sockets[0].getsockname()[1]
        yield site
    finally:
        for server in servers:
            server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def a_certificate(directory: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext, str]:
    """A certificate for these names, signed by itself: TLS for a server, for a client that trusts it, and its key's
    digest as Chromium takes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tabkeep test")])
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return server, client, base64.b64encode(hashlib.sha256(public).digest()).decode()
