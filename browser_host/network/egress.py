"""The only way out of a session's browser: a proxy of ours on a loopback port that serves this one browser.

Chromium sends everything here (pages, workers, WebSockets, downloads; names are not resolved in it), and here it is
decided, for each tunnel and each plain request anew, whether it may go there and which way: directly to an address
that was judged, or through the session's own proxy, whose credentials the browser never sees. Both can change while the
browser lives. A plain request goes over the connection of the one before it where both lead to the same place the same
way.

The port is known before the browser starts and nothing is served until `serve` says whose it is and `set_network`
what it may reach, so that a browser may be started before there is a session for it.
"""

from __future__ import annotations

import asyncio
import html
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from browser_host.messages import Network, Proxy
from browser_host.network import egress_policy
from browser_host.network.egress_policy import Pattern, Policy, Refused
from browser_host.network.peer_process import BrowserProcesses
from browser_host.network.proxied_http import Answer, Request, body, is_idle
from browser_host.network.upstream import (
    BUFFER,
    Dialer,
    ProxyFailed,
    Resolve,
    Streams,
    Unreachable,
    proxy_address,
    read_head,
    resolve_with_system,
)

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 256
"""At once; Chromium itself makes no more than 32 to one proxy. More are answered 503."""
HEAD_SECONDS = 30.0
"""How long a connection may wait for its next request; Chromium opens them ahead of need and leaves them silent."""
MOST_REFUSALS = 200
"""Destinations whose last refusal is remembered; beyond it the oldest is forgotten."""
_CHUNK = 128 * 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a destination was not reached."""

    error: Refused | ProxyFailed | Unreachable
    at: float
    """On the event loop's clock."""


@dataclass(slots=True, eq=False)
class _Open:
    """One connection of the browser's."""

    task: asyncio.Task[None]
    host: str = ""
    port: int = 0
    through: Proxy | None = None
    server: Streams | None = None
    """Where its last request went, this way."""

    def leave_server(self) -> None:
        """End that connection, if there is one."""
        if self.server is not None:
            self.server[1].close()
            self.server = None


@dataclass(slots=True)
class _Sending:
    """A plain request under way."""

    request: Request
    done: bool = False
    """All of it was said."""


class _Unsaid:
    """The head of an answer, which is said together with the body's first bytes if these are there already.

    Two writes are two packets, and Chromium wakes up for each.
    """

    def __init__(self, client: asyncio.StreamWriter, head: bytes) -> None:
        self._client = client
        self._head = head
        asyncio.get_running_loop().call_soon(self._say)

    def take(self) -> bytes:
        """What was not said yet; now it is the caller's to say."""
        head, self._head = self._head, b""
        return head

    def _say(self) -> None:
        if self._head and not self._client.is_closing():
            self._client.write(self.take())


class Egress:
    """One browser's way out."""

    def __init__(
        self,
        operator_allows: tuple[Pattern, ...] = (),
        *,
        default_proxy: Proxy | None = None,
        resolve: Resolve = resolve_with_system,
        proxy_tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """`open` must be awaited before `port` is asked for; `default_proxy` is for a network without one."""
        self._operator_allows = operator_allows
        self._default_proxy = default_proxy
        self._dialer = Dialer(resolve, proxy_tls)
        self._policy: Policy | None = None
        self._proxy: Proxy | None = None
        self._bypass: tuple[Pattern, ...] = ()
        self._browser: BrowserProcesses | None = None
        self._server: asyncio.Server | None = None
        self._open: set[_Open] = set()
        self._refusals: dict[tuple[str, int], Refusal] = {}
        self._warned = False
        self.requests = 0
        """Served so far; a tunnel is one."""
        self.bytes_sent = 0
        self.bytes_received = 0

    async def open(self) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=BUFFER)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        assert self._server is not None, "not open"
        return int(self._server.sockets[0].getsockname()[1])

    def serve(self, pid: int) -> None:
        """From now on, serve the browser whose main process this is, and nobody else on the machine."""
        self._browser = BrowserProcesses(pid)

    def set_network(self, network: Network) -> None:
        """Let the browser reach this, this way; what is open and would not be opened now, or not so, is cut.

        Raises:
            EgressRulesInvalid, ValueError: a destination or the proxy's URL means nothing; nothing was changed.
        """
        policy = Policy(
            self._operator_allows,
            egress_policy.patterns(network.allowed_domains),
            egress_policy.patterns(network.blocked_domains),
        )
        proxy = network.proxy or self._default_proxy
        bypass = egress_policy.patterns(proxy.bypass) if proxy else ()
        if proxy is not None:
            proxy_address(proxy)
        self._policy, self._proxy, self._bypass = policy, proxy, bypass
        self._refusals.clear()
        for one in list(self._open):
            if one.host and (one.through != self._way(one.host, one.port) or not self._names(one.host, one.port)):
                one.task.cancel()

    async def probe(self) -> None:
        """Look whether the session's proxy, if there is one, takes us. At most 10 seconds.

        Raises:
            ProxyFailed.
        """
        if self._proxy is not None and self._policy is not None:
            await self._dialer.probe(self._proxy, self._policy)

    async def close(self) -> None:
        """Cut everything and listen no more."""
        if self._server is not None:
            self._server.close()
        tasks = [one.task for one in self._open]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._dialer.close()

    def refusal(self, url: str = "", since: float = 0.0) -> Refused | ProxyFailed | Unreachable | None:
        """Why the last connection to where `url` leads was refused, if it was; without `url`, the last of all.

        Only what was refused at `since` on the event loop's clock or later.
        """
        if url:
            refusal = self._refusals.get(egress_policy.destination(url))
        else:
            refusal = next(reversed(self._refusals.values()), None)
        return refusal.error if refusal is not None and refusal.at >= since else None

    # One connection of the browser's.

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        one = _Open(task)
        self._open.add(one)
        try:
            if len(self._open) > MOST_CONNECTIONS:
                _answer(writer, "503 Service Unavailable", "too many connections at once")
            elif self._is_the_browsers(writer):
                await self._serve(one, reader, writer)
            else:
                writer.transport.abort()
        except (OSError, EOFError, ValueError, TimeoutError):
            pass  # either side went away, or says what is no HTTP
        except asyncio.CancelledError:
            writer.transport.abort()  # cut on purpose: nobody waits for this task
        finally:
            self._open.discard(one)
            writer.close()

    def _is_the_browsers(self, writer: asyncio.StreamWriter) -> bool:
        if self._browser is None:
            return False
        theirs, ours = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        held = self._browser.hold(theirs, ours)
        if held is False and not self._warned:
            self._warned = True
            logger.warning("egress refused to a process that is not the browser", extra={"port": ours[1]})
        return bool(held)

    async def _serve(self, one: _Open, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve its requests, one after the other, each judged as if there had been none before."""
        writer.transport.set_write_buffer_limits(high=BUFFER)
        listening: asyncio.Task[bytes] | None = None
        try:
            while True:
                async with asyncio.timeout(HEAD_SECONDS):
                    begun = await listening if listening is not None else b""
                    if listening is not None and not begun:
                        return
                    request = Request.read(begun + await read_head(reader))
                self.requests += 1
                if (server := await self._server_for(request, one, writer)) is None:
                    return
                if request.tunnel:
                    writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
                    await self._relay((reader, writer), server)
                    return
                sending = _Sending(request)
                listening = asyncio.create_task(self._send_body(sending, reader, server[1]))
                if not await self._pass_on(sending, one, writer, server):
                    return
        finally:
            if listening is not None:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
            one.leave_server()

    async def _server_for(self, request: Request, one: _Open, writer: asyncio.StreamWriter) -> Streams | None:
        """A connection for a request: the one of the request before, if that leads there too; None: it was refused."""
        key = (request.host, request.port)
        kept, before = one.server, (one.host, one.port, one.through)
        one.host, one.port = request.host, request.port
        try:
            one.through = self._way(request.host, request.port)
            if kept is not None and (before != (*key, one.through) or not await is_idle(kept[0])):
                one.leave_server()
            one.server = await self._reach(request, one.through, one.server)
        except (Refused, ProxyFailed, Unreachable) as error:
            self._remember(key, error)
            status = "403 Forbidden" if isinstance(error, Refused) else "502 Bad Gateway"
            _answer(writer, status, str(error))
            return None
        self._refusals.pop(key, None)
        return one.server

    def _way(self, host: str, port: int) -> Proxy | None:
        """The proxy for a destination; None for directly."""
        return None if any(one.covers(host, port) for one in self._bypass) else self._proxy

    def _names(self, host: str, port: int) -> bool:
        try:
            assert self._policy is not None
            self._policy.check_name(host, port)
        except Refused:
            return False
        return True

    async def _reach(self, request: Request, proxy: Proxy | None, kept: Streams | None) -> Streams:
        """A connection for a request, `kept` if there is one: it leads there, and must be allowed to still."""
        policy = self._policy
        if policy is None:
            raise Refused("this browser belongs to no session yet")
        host, port = request.host, request.port
        policy.check_name(host, port)
        if proxy is None:
            if kept is not None:
                self._dialer.judge(kept, host, port, policy)
            return kept or await self._dialer.direct(host, port, policy)
        policy.check_unresolved(host, port)
        where = proxy_address(proxy)
        if request.tunnel or where.scheme == "socks5":
            return kept or await self._dialer.tunnel(host, port, proxy, policy)
        # Never kept: some proxies look at the first request of a connection only, others change the way by connection.
        request.absolute, request.authorization = True, where.authorization
        return await self._dialer.to_proxy(proxy, policy)

    def _remember(self, key: tuple[str, int], error: Refused | ProxyFailed | Unreachable) -> None:
        self._refusals.pop(key, None)
        if len(self._refusals) >= MOST_REFUSALS:
            del self._refusals[next(iter(self._refusals))]
        self._refusals[key] = Refusal(error, asyncio.get_running_loop().time())

    async def _pass_on(self, sending: _Sending, one: _Open, client: asyncio.StreamWriter, server: Streams) -> bool:
        """Pass on the answer to a plain request; whether the browser may say another one on this connection."""
        request, key = sending.request, (sending.request.host, sending.request.port)
        while True:
            try:
                answer = Answer.read(await read_head(server[0]), request.method)
            except ValueError as error:
                self._remember(key, Unreachable(f"{request.host} answered: {error}"))
                _answer(client, "502 Bad Gateway", f"{request.host} answered: {error}")
                return False
            if answer.status == 407:
                # Never passed on: Chromium would take it for ours.
                failed = _unauthorized(request, one.through, f"{answer.status} {answer.reason}".strip())
                self._remember(key, failed)
                _answer(client, "502 Bad Gateway", str(failed))
                return False
            keep = request.keep and answer.certain
            head = _Unsaid(client, answer.head(keep=keep))
            if answer.status >= 200:
                break
        async for piece in body(answer, server[0]):
            self.bytes_received += len(piece)
            client.write(head.take() + piece)
            await client.drain()
        client.write(head.take())
        if not answer.keep or request.absolute:
            one.leave_server()
        if not keep and client.can_write_eof():
            client.write_eof()
        return keep and sending.done

    async def _send_body(self, sending: _Sending, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Say a request, and what belongs to it and not a byte more; then wait for the first byte of the next one.

        None comes when the client has ended; then nobody waits for an answer any more.
        """
        writer.write(sending.request.head())
        left = sending.request.body_length
        while left is None or left > 0:
            data = await reader.read(_CHUNK if left is None else min(_CHUNK, left))
            if not data:
                writer.transport.abort()
                return b""
            self.bytes_sent += len(data)
            writer.write(data)
            await writer.drain()
            left = None if left is None else left - len(data)
        sending.done = True
        begun = await reader.read(1)
        if not begun:
            writer.transport.abort()
        return begun

    async def _relay(self, client: Streams, server: Streams) -> None:
        """Both ways until both sides have said all, or one is gone."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pump_to_end(client[0], server[1], received=False))
            both.create_task(self._pump_to_end(server[0], client[1], received=True))

    async def _pump_to_end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, received: bool) -> None:
        try:
            await self._pump(reader, writer, received=received)
        except OSError:
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, received: bool) -> None:
        while data := await reader.read(_CHUNK):
            if received:
                self.bytes_received += len(data)
            else:
                self.bytes_sent += len(data)
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()  # TLS to a proxy: there, to end one way is to end both


def _unauthorized(request: Request, proxy: Proxy | None, said: str) -> ProxyFailed | Unreachable:
    if not request.absolute or proxy is None:
        return Unreachable(f"{request.host} answered {said}, as only a proxy may")
    what = "refused the user and password" if request.authorization else "wants a user and password"
    return ProxyFailed(f"the proxy {proxy_address(proxy).shown} {what} ({said})")


def _answer(writer: asyncio.StreamWriter, status: str, message: str) -> None:
    """An answer of ours, for people who see the page."""
    body = (
        f"<!doctype html><title>{status}</title><style>body{{font:16px sans-serif;margin:3em}}</style>"
        f"<h1>Not reached</h1><p>{html.escape(message)}</p>"
    ).encode()
    writer.write(
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode()
        + body
    )
