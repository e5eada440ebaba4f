"""Where webhooks may go: public addresses, and what the operator allows besides. Pure; resolving is the caller's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_PORTS_BELOW_1024 = (80, 443)
_NAMES_OF_THIS_MACHINE = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


def url_refusal(url: str, allowed: Sequence[Network]) -> str:
    """Why a webhook URL cannot be taken, as far as it can be told without resolving its name; "" if it can."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    if parts.username is not None or parts.password is not None:
        return "must not have a user name or password: put a secret into the path, or check the signature"
    if parts.fragment:
        return "must not have a fragment"
    try:
        host.encode("idna")
    except UnicodeError:
        return f"names a host that cannot be: {host[:100]!r} has an empty part, or one of more than 63 characters"
    literal = _literal(host)
    if literal is not None:
        return refusal(literal, port or (443 if parts.scheme == "https" else 80), allowed)
    name = host.rstrip(".").lower()
    loopback = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))
    if (name in _NAMES_OF_THIS_MACHINE or name.endswith(".localhost")) and not _within(loopback, allowed):
        return f"{host} is this machine: only public addresses, and those the operator allows, are called"
    return ""


def refusal(address: Address, port: int, allowed: Sequence[Network]) -> str:
    """Why an address may not be called; "" if it may."""
    if _within((address,), allowed):
        return ""
    if port < 1024 and port not in _PORTS_BELOW_1024:
        return f"port {port} is not one for webhooks: use 80, 443 or one from 1024 on"
    for part in (address, *_embedded(address)):
        if not part.is_global or part.is_multicast or part.is_reserved or part.is_unspecified:
            return f"{address} is not a public address: the operator can allow it with TABKEEP_WEBHOOK_NETWORKS"
    return ""


def _literal(host: str) -> Address | None:
    """The address that `host` is, in any of the ways in which resolvers read one; None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _old_ipv4(host)


def _old_ipv4(host: str) -> IPv4Address | None:
    """An address as inet_aton reads it: 127.1, 0x7f000001, 017700000001."""
    parts = host.rstrip(".").split(".")
    if len(parts) > 4:
        return None
    numbers = []
    for part in parts:
        try:
            octal = len(part) > 1 and part.startswith("0") and part[1:].isdigit()
            numbers.append(int(part, 8) if octal else int(part, 0))
        except ValueError:
            return None
    *bytes_, last = numbers
    if any(not 0 <= number < 256 for number in bytes_) or not 0 <= last < 256 ** (4 - len(bytes_)):
        return None
    value = last
    for place, number in enumerate(bytes_):
        value += number << (24 - 8 * place)
    return IPv4Address(value)


def _embedded(address: Address) -> Iterable[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to by way of a translator or tunnel."""
    if not isinstance(address, IPv6Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if any(address in network for network in _NAT64):
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def _within(addresses: Iterable[Address], allowed: Sequence[Network]) -> bool:
    return any(address in network for address in addresses for network in allowed if network.version == address.version)
