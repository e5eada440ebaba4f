"""Ways to a destination: directly, or through an HTTP, HTTPS or SOCKS5 proxy with a user and password."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil

from browser_host.messages import Proxy
from browser_host.network.egress_policy import Address, Policy, Refused, normal
from browser_host.network.line import Line
from browser_host.network.proxied_http import status_of

DIAL_SECONDS = 15.0
"""How long a connection to a destination may take, a proxy's part in it included."""
ADDRESS_SECONDS = 5.0
"""How long one address of several may take before the next is tried."""
PROBE_SECONDS = 5.0
PINNED_SECONDS = 60.0
"""How long a name keeps the addresses it was resolved to."""
MOST_PINNED = 1000
"""Names that are kept; beyond it all are forgotten and resolved anew."""
OWN_SECONDS = 30.0
"""How often the machine is asked for its own addresses."""
_PROBED = "tabkeep.invalid"
"""A name that never exists (RFC 2606): a proxy says whether it takes the credentials before it looks for it."""

Resolve = Callable[[str], Awaitable[list[str]]]

_SOCKS_REPLIES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "expired on its way",
    7: "command not supported",
    8: "address type not supported",
}


class ProxyFailed(Exception):
    """The proxy lets nothing through; the text has its address and what it said, never its credentials."""


class Unreachable(Exception):
    """The destination cannot be reached, as far as is known no fault of the proxy's; the text says who said what."""


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """Where a proxy is, taken apart."""

    scheme: str
    host: str
    port: int
    authorization: str = field(repr=False)
    """For HTTP's Proxy-Authorization; empty without a user."""

    @property
    def shown(self) -> str:
        """As in messages: without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def proxy_address(proxy: Proxy) -> ProxyAddress:
    """Where a proxy is.

    Raises:
        ValueError: its URL is none of a proxy.
    """
    parts = urlsplit(proxy.url)
    if parts.scheme not in ("http", "https", "socks5") or not parts.hostname:
        raise ValueError("a proxy's URL is http://host:port, https://host:port or socks5://host:port")
    port = parts.port or {"http": 80, "https": 443, "socks5": 1080}[parts.scheme]
    authorization = ""
    if proxy.username or proxy.password:
        pair = f"{proxy.username}:{proxy.password}".encode()
        authorization = "Basic " + base64.b64encode(pair).decode("ascii")
    return ProxyAddress(parts.scheme, normal(parts.hostname), port, authorization)


async def resolve_with_system(name: str) -> list[str]:
    """A name's addresses, as the machine's own resolver gives them.

    Raises:
        OSError: it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))


class Dialer:
    """Opens connections for one session, each to an address that was judged a moment before."""

    def __init__(
        self, resolve: Resolve = resolve_with_system, proxy_tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        """`proxy_tls` makes the TLS settings for https proxies; by default the machine's trusted authorities count."""
        self._resolve = resolve
        self._proxy_tls = proxy_tls or ssl.create_default_context
        self._pinned: dict[str, tuple[float, asyncio.Task[list[str]]]] = {}
        self._own: tuple[float, frozenset[Address]] = (0.0, frozenset())

    def close(self) -> None:
        """Resolve nothing more."""
        for _, asking in self._pinned.values():
            asking.cancel()
        self._pinned.clear()

    async def direct(self, host: str, port: int, policy: Policy) -> Line:
        """A connection to the destination itself.

        Raises:
            Refused, Unreachable.
        """
        try:
            addresses = await self._addresses(host)
        except OSError as error:
            raise Unreachable(f"{host} was not found: {_os_words(error)}") from None
        usable = policy.usable(host, port, addresses, self._is_own)
        try:
            return await self._first(usable, port)
        except OSError as error:
            raise Unreachable(f"{host}:{port} cannot be reached: {_os_words(error)}") from None

    def judge(self, line: Line, host: str, port: int, policy: Policy) -> None:
        """Judge a connection that is there already as if it were to be made now.

        Raises:
            Refused.
        """
        policy.usable(host, port, [line.peer], self._is_own)

    async def to_proxy(self, proxy: Proxy, policy: Policy) -> Line:
        """A connection to the proxy itself.

        Raises:
            ProxyFailed: also when it lies where browsers may not go.
        """
        where = proxy_address(proxy)
        try:
            addresses = await self._addresses(where.host)
            usable = [str(address) for address in addresses]
            if not proxy.trusted:
                # Its own rules are the session's, this one is ours: a "proxy" is no way into a private network.
                usable = Policy(policy.operator_allows).usable(where.host, where.port, addresses, self._is_own)
            context = self._proxy_tls() if where.scheme == "https" else None
            return await self._first(usable, where.port, context, where.host)
        except Refused as error:
            raise ProxyFailed(f"the proxy {where.shown} is not used: {error}") from None
        except ssl.SSLError as error:
            raise ProxyFailed(f"the proxy {where.shown} speaks no TLS that is trusted: {error.reason}") from None
        except OSError as error:
            raise ProxyFailed(f"the proxy {where.shown} cannot be reached: {_os_words(error)}") from None

    async def tunnel(self, host: str, port: int, proxy: Proxy, policy: Policy) -> Line:
        """A connection to the destination through the proxy, which resolves the name.

        Raises:
            ProxyFailed, Unreachable.
        """
        where = proxy_address(proxy)
        line = await self.to_proxy(proxy, policy)
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                if where.scheme == "socks5":
                    await _socks_greeting(line, proxy, where)
                    await _socks_connect(line, host, port, where)
                else:
                    status, reason, _ = await _connect(line, host, port, where)
                    _check_answer(status, reason, where)
        except BaseException as error:
            line.close()
            if isinstance(error, TimeoutError):
                raise ProxyFailed(f"the proxy {where.shown} did not answer within {DIAL_SECONDS:g} s") from None
            if isinstance(error, OSError | EOFError | ValueError):
                raise ProxyFailed(f"the proxy {where.shown} ended the connection: {_words(error)}") from None
            raise
        return line

    async def probe(self, proxy: Proxy, policy: Policy) -> None:
        """Look whether the proxy is there and takes the credentials. At most 5 seconds.

        Raises:
            ProxyFailed.
        """
        where = proxy_address(proxy)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                line = await self.to_proxy(proxy, policy)
        except TimeoutError:
            raise ProxyFailed(f"the proxy {where.shown} cannot be reached within {PROBE_SECONDS:g} s") from None
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                if where.scheme == "socks5":
                    await _socks_greeting(line, proxy, where)
                else:
                    status, reason, _ = await _connect(line, _PROBED, 443, where)
                    if status in (401, 407):
                        _check_answer(status, reason, where)
        except TimeoutError:
            pass  # it looks for the name, so it has taken the credentials
        except (OSError, EOFError, ValueError) as error:
            raise ProxyFailed(f"the proxy {where.shown} ended the connection: {_words(error)}") from None
        finally:
            line.close()

    async def _addresses(self, host: str) -> list[Address]:
        """A destination's addresses: resolved once, then the same for a minute, whatever its servers say meanwhile."""
        try:
            return [ipaddress.ip_address(host)]
        except ValueError:
            pass
        now = asyncio.get_running_loop().time()
        until, asking = self._pinned.get(host, (0.0, None))
        if asking is None or until < now or (asking.done() and (asking.cancelled() or asking.exception())):
            if len(self._pinned) >= MOST_PINNED:
                self._pinned.clear()
            asking = asyncio.create_task(self._resolved(host))
            asking.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._pinned[host] = now + PINNED_SECONDS, asking
        return [ipaddress.ip_address(text) for text in await asyncio.shield(asking)]

    def _is_own(self, address: Address) -> bool:
        """Whether it is an address of this machine, also a public one: what listens here was not meant for pages."""
        now = asyncio.get_running_loop().time()
        if now >= self._own[0]:
            found = set()
            for one in (one for each in psutil.net_if_addrs().values() for one in each):
                try:
                    found.add(ipaddress.ip_address(one.address.partition("%")[0]))
                except ValueError:
                    continue  # a hardware address
            self._own = now + OWN_SECONDS, frozenset(found)
        return address in self._own[1]

    async def _resolved(self, host: str) -> list[str]:
        async with asyncio.timeout(DIAL_SECONDS):
            return await self._resolve(host)

    async def _first(
        self, addresses: list[str], port: int, tls: ssl.SSLContext | None = None, server_name: str = ""
    ) -> Line:
        """A connection to the first address that takes one, in the resolver's order."""
        failure: OSError = OSError("it has no address")
        for place, address in enumerate(addresses):
            seconds = DIAL_SECONDS if place == len(addresses) - 1 else ADDRESS_SECONDS
            try:
                async with asyncio.timeout(seconds):
                    _, line = await asyncio.get_running_loop().create_connection(
                        Line, address, port, ssl=tls, server_hostname=server_name if tls else None
                    )
            except TimeoutError:
                failure = OSError(f"no answer within {seconds:g} s")
            except OSError as error:
                failure = error
            else:
                return line
        raise failure


def _check_answer(status: int, reason: str, where: ProxyAddress) -> None:
    if 200 <= status < 300:
        return
    said = f"{status} {reason}".strip()
    if status in (401, 407):
        what = "refused the user and password" if where.authorization else "wants a user and password"
        raise ProxyFailed(f"the proxy {where.shown} {what} ({said})")
    raise Unreachable(f"the proxy {where.shown} said {said}")


async def _connect(line: Line, host: str, port: int, where: ProxyAddress) -> tuple[int, str, bytes]:
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    authorization = f"Proxy-Authorization: {where.authorization}\r\n" if where.authorization else ""
    line.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n".encode())
    head = await line.until(b"\r\n\r\n")
    return *status_of(head), head


async def _socks_greeting(line: Line, proxy: Proxy, where: ProxyAddress) -> None:
    """RFC 1928's method negotiation, and RFC 1929's user and password."""
    line.write(b"\x05\x02\x00\x02" if where.authorization else b"\x05\x01\x00")
    version, method = await line.exactly(2)
    if version != 5:
        raise ValueError("what it said is no SOCKS5")
    if method == 2 and where.authorization:
        user, password = proxy.username.encode(), proxy.password.encode()
        line.write(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
        if (await line.exactly(2))[1] != 0:
            raise ProxyFailed(f"the proxy {where.shown} refused the user and password")
    elif method != 0:
        wants = "refused the user and password" if where.authorization else "wants a user and password"
        raise ProxyFailed(f"the proxy {where.shown} {wants} (method {method:#04x})")


async def _socks_connect(line: Line, host: str, port: int, where: ProxyAddress) -> None:
    try:
        address = ipaddress.ip_address(host)
        to = (b"\x01" if address.version == 4 else b"\x04") + address.packed
    except ValueError:
        name = host.encode("ascii")
        to = bytes([3, len(name)]) + name
    line.write(b"\x05\x01\x00" + to + struct.pack("!H", port))
    _, reply, _, kind = await line.exactly(4)
    length = {1: 4, 4: 16}.get(kind) or (await line.exactly(1))[0]
    await line.exactly(length + 2)
    if reply != 0:
        said = _SOCKS_REPLIES.get(reply, f"reply {reply}")
        raise Unreachable(f"the proxy {where.shown} said: {said}")


def _os_words(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return (error.strerror or "not found").lower()
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _words(error: BaseException) -> str:
    if isinstance(error, EOFError):
        return "it said nothing more"
    return _os_words(error) if isinstance(error, OSError) else str(error)
