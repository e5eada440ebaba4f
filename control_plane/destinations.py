"""How destinations and proxies are written in requests and in the operator's file: checked, and brought to one form."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_LABELS = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_FORMS = (
    "use a name (example.com, *.example.com) or an address (203.0.113.7, [2001:db8::7]), each with or without :port"
)


def destination(text: str) -> str:
    """A name, all names below one, or an address, with or without a port.

    Raises:
        ValueError: it is none of these.
    """
    rest, port = text.strip().lower(), ""
    if found := re.fullmatch(r"(\[[^]]*\]|[^:]*):(\d{1,5})", rest):
        rest, port = found[1], f":{int(found[2])}"
        if not 0 < int(found[2]) < 65536:
            raise ValueError(f"{text[:100]!r}: {found[2]} is no port")
    bare = rest.strip("[]")
    try:
        address = ipaddress.ip_address(bare)
        return (f"[{address}]" if address.version == 6 else str(address)) + port
    except ValueError:
        pass
    below = "*." if bare.startswith("*.") else ""
    try:
        name = bare.removeprefix("*.").rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not _LABELS.fullmatch(name) or len(name) > 253 or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", name.split(".")[-1]):
        raise ValueError(f"{text[:100]!r} is no destination: {_FORMS}")
    return below + name + port


def proxy_url(text: str) -> str:
    """The URL of a proxy, without credentials.

    Raises:
        ValueError: it is none; the text never repeats what may be a password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("not a proxy's URL: use http://host:port, https://host:port or socks5://host:port") from None
    if "@" in parts.netloc:
        raise ValueError("user and password have fields of their own: take them out of the URL")
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    named = bool(parts.hostname) and bool(port) and "*" not in parts.netloc
    if parts.scheme not in ("http", "https", "socks5") or not named or not plain:
        raise ValueError("not a proxy's URL: use http://host:port, https://host:port or socks5://host:port")
    return f"{parts.scheme}://{destination(parts.netloc)}"
