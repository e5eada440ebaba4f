"""Which host gets a session. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from control_plane.entities.hosts import Host, HostState
from control_plane.entities.sessions import Session


def choose_host(session: Session, hosts: Iterable[Host], avoid: str = "") -> Host | None:
    """The least filled READY host that has room and offers the browser and the extensions; None when there is none.

    `avoid` is taken only when no other fits: the host where the session's launch has just failed.
    """
    fitting = [
        host
        for host in hosts
        if host.state is HostState.READY
        and host.slots_used < host.capacity
        and offers(host, session.browser_type, session.extension_names)
    ]
    return min(
        fitting, key=lambda host: (host.host_id == avoid, host.slots_used / host.capacity, host.host_id), default=None
    )


def offers(host: Host, browser_type: str, extensions: Sequence[str]) -> bool:
    """Whether a host has such a browser and all of these extensions."""
    return browser_type in host.browsers and all(name in host.extensions for name in extensions)


def extension_refusal(browser_type: str, extensions: Sequence[str], hosts: Sequence[Host]) -> str:
    """Why no host can ever run `browser_type` with these extensions, or "" when one can or none is known yet."""
    if not hosts or any(offers(host, browser_type, extensions) for host in hosts):
        return ""
    offered = "; ".join(f"{host.host_id}: {', '.join(sorted(host.extensions)) or 'none'}" for host in hosts)
    return (
        f"no host offers {browser_type} with {', '.join(extensions)}; extensions offered are: {offered}; "
        "a host offers what TABKEEP_EXTENSIONS names, and ad-blocker once `python -m browser_host.ad_blocker build` "
        "has made it there"
    )


def refusal(browser_type: str, hosts: Sequence[Host]) -> str:
    """Why no host can ever run `browser_type`, or "" when one can or none is known yet."""
    if not hosts or any(browser_type in host.browsers for host in hosts):
        return ""
    offered = "; ".join(f"{host.host_id}: {', '.join(sorted(host.browsers)) or 'none'}" for host in hosts)
    return (
        f"no host offers {browser_type}; offered are: {offered}; "
        f"a host offers what is installed there, or named in TABKEEP_{browser_type.upper()}"
    )
