"""What a session's browser may reach. Pure: names are resolved elsewhere, and what they resolve to is judged here.

By default the public web only. The operator's list opens private destinations for all sessions of a host; a session's
own allowed and blocked domains narrow what is left, and never widen it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

_LONGEST_ADDRESS = 64
_REMEMBERED = 4096
"""Texts and addresses whose meaning is remembered: each request is judged anew, and mostly about the same few."""

_NOT_PUBLIC_4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "an address of a carrier's own network"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud's metadata address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a reserved address"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a reserved address"),
        ("198.51.100.0/24", "a reserved address"),
        ("203.0.113.0/24", "a reserved address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_NOT_PUBLIC_6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
        # Teredo, ORCHID and other protocols' own; nothing in it serves the web.
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "a reserved address"),
        # 6to4 leads to any IPv4 address, and its relays are gone.
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "a reserved address"),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")

_LOCAL_SUFFIXES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa")
"""Names that mean something else in every network. Where a proxy resolves names, they are judged by themselves."""

UNSAFE_PORTS = frozenset(
    (
        1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
        110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530,
        531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190,
        5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    )
)  # fmt: skip
"""The "bad ports" of the Fetch standard: services that are not the web and take a request for something else."""

_SCHEMES = frozenset(["http", "https", "data", "blob"])
_BLANK = frozenset(["about:blank", "about:srcdoc"])
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")


class EgressRulesInvalid(ValueError):
    """A destination is written in a way that means nothing; the text says which, and what would work."""


class Refused(Exception):
    """The policy does not let the browser there; the text says what and why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry of a list of destinations."""

    text: str
    """As it was given."""
    name: str = ""
    """A name, which stands for all below it too."""
    below_only: bool = False
    """Not the name itself."""
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def covers(self, host: str, port: int) -> bool:
        """Whether a name, or an address as text, is meant; both as `normal` gives them."""
        if self.port not in (None, port):
            return False
        if self.network is not None:
            address = _address(host)
            return address is not None and address in self.network
        return host.endswith("." + self.name) or (host == self.name and not self.below_only)


def pattern(text: str) -> Pattern:
    """Read "example.com", "*.example.com", an address or a network like 10.0.0.0/8, each with or without ":port".

    Raises:
        EgressRulesInvalid.
    """
    rest, port = text.strip().lower(), None
    if found := re.fullmatch(r"(\[[^]]*\](?:/\d+)?|[^:]*):(\d{1,5})", rest):
        rest, port = found[1], int(found[2])
        if not 0 < port < 65536:
            raise EgressRulesInvalid(f"{text!r}: {port} is no port")
    bare = rest.replace("[", "").replace("]", "")
    if "/" in bare or _address(bare) is not None:
        try:
            return Pattern(text, network=ipaddress.ip_network(bare), port=port)
        except ValueError as error:
            raise EgressRulesInvalid(f"{text!r}: {error}") from None
    below_only = bare.startswith("*.")
    name = bare.removeprefix("*.").rstrip(".")
    try:
        name = name.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", name):
        raise EgressRulesInvalid(
            f"{text!r} is no destination: use a name (example.com, *.example.com), an address or a network "
            "(10.0.0.0/8), each with or without :port"
        )
    return Pattern(text, name=name, below_only=below_only, port=port)


def patterns(texts: Iterable[str]) -> tuple[Pattern, ...]:
    """`pattern` of each.

    Raises:
        EgressRulesInvalid.
    """
    return tuple(pattern(text) for text in texts)


def normal(host: str) -> str:
    """A host as it is judged: without brackets, in small letters, without the dot at the end; addresses in full."""
    bare = host.strip("[]").lower().rstrip(".")
    address = _address(bare.partition("%")[0])
    return bare if address is None else str(address)


@lru_cache(_REMEMBERED)
def not_public(address: Address) -> str:
    """What an address is that does not belong to the public internet; "" for one that does.

    IPv4 addresses within IPv6 ones (mapped, and NAT64's own prefix) are judged as what they lead to.
    """
    if isinstance(address, IPv6Address):
        if address in _MAPPED or address in _NAT64:
            return not_public(IPv4Address(int(address) & 0xFFFFFFFF))
        for network, kind in _NOT_PUBLIC_6:
            if address in network:
                return kind
        return "" if address in _GLOBAL_6 else "a reserved address"
    for network_4, kind in _NOT_PUBLIC_4:
        if address in network_4:
            return kind
    return ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one session's browser may reach."""

    operator_allows: tuple[Pattern, ...] = ()
    """Private destinations that the operator opened."""
    allowed: tuple[Pattern, ...] = ()
    blocked: tuple[Pattern, ...] = ()

    def check_name(self, host: str, port: int) -> None:
        """Judge a destination by what it is called.

        Raises:
            Refused.
        """
        if port in UNSAFE_PORTS and not self._opened(host, port):
            raise Refused(f"port {port} is not one of the web")
        for one in self.blocked:
            if one.covers(host, port):
                raise Refused(f"{_shown(host, port)} is blocked by the session's blocked_domains ({one.text})")
        if self.allowed and not any(one.covers(host, port) for one in self.allowed):
            raise Refused(f"{_shown(host, port)} is not among the session's allowed_domains")
        address = _address(host)
        if address is not None:
            self._check(host, port, address)

    def check_unresolved(self, host: str, port: int) -> None:
        """Judge a name that a proxy will resolve: what is local by its name is local there too.

        Raises:
            Refused.
        """
        if _address(host) is not None or self._opened(host, port):
            return
        suffix = next((one for one in _LOCAL_SUFFIXES if host == one or host.endswith("." + one)), None)
        if suffix is not None or "." not in host:
            raise Refused(f"{host} is a name of a private network{_REMEDY}")

    def usable(self, host: str, port: int, addresses: Sequence[Address], own: Callable[[Address], bool]) -> list[str]:
        """Those of a destination's addresses that may be dialled; `own` says which are this machine's.

        Raises:
            Refused: none may.
        """
        if self._opened(host, port):
            return [str(address) for address in addresses]
        refusal: Refused | None = None
        good = []
        for address in addresses:
            try:
                self._check(host, port, address, own=own)
                good.append(str(address))
            except Refused as error:
                refusal = refusal or error
        if refusal is not None and not good:
            raise refusal
        return good

    def _check(self, host: str, port: int, address: Address, own: Callable[[Address], bool] | None = None) -> None:
        if self._opened(host, port) or self._opened(str(address), port) or self._opened(str(_plain(address)), port):
            return
        kind = not_public(address) or ("an address of the browser host itself" if own and own(_plain(address)) else "")
        if kind:
            leads = "" if host == str(address) else f" leads to {address}, which"
            raise Refused(f"{host}{leads} is {kind}{_REMEDY}")

    def _opened(self, host: str, port: int) -> bool:
        return any(one.covers(host, port) for one in self.operator_allows)


_REMEDY = "; browsers reach the public web only, unless the operator allows more (TABKEEP_ALLOW_PRIVATE)"


def check_url(url: str) -> None:
    """Judge a URL that the browser is to open by its scheme alone: not the machine's files, not the browser's inside.

    Raises:
        Refused.
    """
    bare = url.strip()
    scheme = _SCHEME.match(bare)
    name = scheme[0].lower() if scheme and bare[scheme.end() :].startswith(":") else ""
    if name in _SCHEMES or bare.partition("#")[0].lower() in _BLANK:
        return
    raise Refused(f"{name + ':' if name else 'a URL without a scheme'} is not opened: use http or https")


def destination(url: str) -> tuple[str, int]:
    """Where a URL leads, as it is judged; ("", 0) for one that leads nowhere."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "ws": 80, "https": 443, "wss": 443}.get(parts.scheme, 0)
    except ValueError:
        return "", 0
    return (normal(parts.hostname), port) if parts.hostname else ("", 0)


def _address(text: str) -> Address | None:
    return _read_address(text) if len(text) <= _LONGEST_ADDRESS else None


@lru_cache(_REMEMBERED)
def _read_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _plain(address: Address) -> Address:
    """The IPv4 address in a mapped one: that is where a connection to it goes."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _shown(host: str, port: int) -> str:
    return host if port in (80, 443) else f"{host}:{port}"
