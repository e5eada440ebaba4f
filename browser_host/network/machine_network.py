"""What a host's operator says of its network in the environment: what is opened, and the machine's own proxy."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from browser_host.messages import Proxy
from browser_host.network import egress_policy
from browser_host.network.egress_policy import EgressRulesInvalid, Pattern

ALLOW_PRIVATE = "TABKEEP_ALLOW_PRIVATE"


def private_destinations(environ: Mapping[str, str]) -> tuple[Pattern, ...]:
    """The private destinations that all browsers of this host may reach, from TABKEEP_ALLOW_PRIVATE.

    They stand there separated by commas.

    Raises:
        EgressRulesInvalid.
    """
    return egress_policy.patterns(one for one in (environ.get(ALLOW_PRIVATE) or "").split(",") if one.strip())


def default_proxy(environ: Mapping[str, str]) -> Proxy | None:
    """The machine's own proxy, from HTTPS_PROXY, ALL_PROXY or HTTP_PROXY and NO_PROXY, for sessions without one.

    What of NO_PROXY means nothing here is left out, as other programs do.
    """
    given = {name.upper(): value for name, value in environ.items() if name.upper() in _VARIABLES and value}
    url = next((given[name] for name in _VARIABLES[:3] if name in given), "")
    parts = urlsplit(url if "://" in url else f"http://{url}" if url else "")
    if parts.scheme.removesuffix("h") not in ("http", "https", "socks5") or not parts.hostname:
        return None
    bypass = []
    for one in given.get("NO_PROXY", "").split(","):
        if one.strip() == "*":
            return None
        try:
            bypass.append(egress_policy.pattern(one.strip().removeprefix(".")).text)
        except EgressRulesInvalid:
            continue
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    address = f"{parts.scheme.removesuffix('h')}://{host}" + (f":{parts.port}" if parts.port else "")
    return Proxy(address, unquote(parts.username or ""), unquote(parts.password or ""), tuple(bypass), trusted=True)


_VARIABLES = ("HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY", "NO_PROXY")
