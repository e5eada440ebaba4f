"""Which host gets a session. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from control_plane.hosts import Host, HostState
from control_plane.sessions import Session


def choose_host(session: Session, hosts: Iterable[Host], avoid: str = "") -> Host | None:
    """The least filled READY host that has room and offers the browser; None when there is none.

    `avoid` is taken only when no other fits: the host where the session's launch has just failed.
    """
    fitting = [
        host
        for host in hosts
        if host.state is HostState.READY and host.slots_used < host.capacity and session.browser_type in host.browsers
    ]
    return min(
        fitting, key=lambda host: (host.host_id == avoid, host.slots_used / host.capacity, host.host_id), default=None
    )


def refusal(browser_type: str, hosts: Sequence[Host]) -> str:
    """Why no host can ever run `browser_type`, or "" when one can or none is known yet."""
    if not hosts or any(browser_type in host.browsers for host in hosts):
        return ""
    offers = "; ".join(f"{host.host_id}: {', '.join(sorted(host.browsers)) or 'none'}" for host in hosts)
    return f"no host offers {browser_type}; offered are: {offers}"
