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
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from browser_host.messages import Network, Proxy
from browser_host.network import egress_policy
from browser_host.network.browser_connection import BrowserConnection, page
from browser_host.network.egress_policy import Pattern, Policy, Refused
from browser_host.network.line import Line
from browser_host.network.peer_process import BrowserProcesses
from browser_host.network.proxied_http import Request
from browser_host.network.upstream import (
    Dialer,
    ProxyFailed,
    Resolve,
    Unreachable,
    proxy_address,
    resolve_with_system,
)

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 256
"""At once; Chromium itself makes no more than 32 to one proxy. More are answered 503."""
MOST_REFUSALS = 200
"""Destinations whose last refusal is remembered; beyond it the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a destination was not reached."""

    error: Refused | ProxyFailed | Unreachable
    at: float
    """On the event loop's clock."""


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
        self._open: set[BrowserConnection] = set()
        self._refusals: dict[tuple[str, int], Refusal] = {}
        self._warned = False
        self.requests = 0
        """Served so far; a tunnel is one."""
        self.bytes_sent = 0
        self.bytes_received = 0

    async def open(self) -> None:
        """Listen on a free loopback port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Line(self._accept), "127.0.0.1", 0)

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
            if one.host and (one.through != self.way(one.host, one.port) or not self._names(one.host, one.port)):
                one.cut()

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
        dialling = [one.dialling for one in self._open if one.dialling is not None]
        for one in list(self._open):
            one.cut()
        await asyncio.gather(*dialling, return_exceptions=True)
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

    # The connections of the browser's, each of which asks here what it may do.

    def way(self, host: str, port: int) -> Proxy | None:
        """The proxy for a destination; None for directly."""
        return None if any(one.covers(host, port) for one in self._bypass) else self._proxy

    def judge(self, request: Request, proxy: Proxy | None, kept: Line | None) -> None:
        """Whether a request may go there this way now, over a connection that is there already if there is one.

        Raises:
            Refused.
        """
        if self._policy is None:
            raise Refused("this browser belongs to no session yet")
        self._policy.check_name(request.host, request.port)
        if proxy is not None:
            self._policy.check_unresolved(request.host, request.port)
        elif kept is not None:
            self._dialer.judge(kept, request.host, request.port, self._policy)

    async def reach(self, request: Request, proxy: Proxy | None) -> Line:
        """A new connection for a request.

        Raises:
            Refused, ProxyFailed, Unreachable.
        """
        policy = self._policy
        assert policy is not None, "not judged"
        if proxy is None:
            return await self._dialer.direct(request.host, request.port, policy)
        where = proxy_address(proxy)
        if request.tunnel or where.scheme == "socks5":
            return await self._dialer.tunnel(request.host, request.port, proxy, policy)
        # Never kept: some proxies look at the first request of a connection only, others change the way by connection.
        request.absolute, request.authorization = True, where.authorization
        return await self._dialer.to_proxy(proxy, policy)

    def was_reached(self, request: Request) -> None:
        """Its destination is known to be reached."""
        self._refusals.pop((request.host, request.port), None)

    def was_not_reached(self, request: Request, error: Refused | ProxyFailed | Unreachable) -> None:
        """Its destination is known not to be reached, and why."""
        self.was_reached(request)
        if len(self._refusals) >= MOST_REFUSALS:
            del self._refusals[next(iter(self._refusals))]
        self._refusals[request.host, request.port] = Refusal(error, asyncio.get_running_loop().time())

    def has_ended(self, connection: BrowserConnection) -> None:
        """There is nothing left of it."""
        self._open.discard(connection)

    def _accept(self, line: Line) -> None:
        if len(self._open) >= MOST_CONNECTIONS:
            line.write(page("503 Service Unavailable", "too many connections at once"))
            line.close()
        elif self._is_the_browsers(line):
            self._open.add(BrowserConnection(self, line))
        else:
            line.abort()

    def _is_the_browsers(self, line: Line) -> bool:
        if self._browser is None:
            return False
        theirs, ours = line.transport.get_extra_info("peername"), line.transport.get_extra_info("sockname")
        held = self._browser.hold(theirs, ours)
        if held is False and not self._warned:
            self._warned = True
            logger.warning("egress refused to a process that is not the browser", extra={"port": ours[1]})
        return bool(held)

    def _names(self, host: str, port: int) -> bool:
        try:
            assert self._policy is not None
            self._policy.check_name(host, port)
        except Refused:
            return False
        return True
