"""The life of a host: its states and what each move changes. Pure; no I/O.

How long a host has been silent is not stored: it is measured on this process's own clock, and after a restart
every host has its whole holding lease again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from control_plane.errors import Conflict

HOST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
EXTENSION_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""What hosts call the extensions that they offer."""


class HostState(StrEnum):
    """Where a host is."""

    READY = "ready"
    SUSPECT = "suspect"
    LOST = "lost"
    DRAINING = "draining"
    GONE = "gone"
    RECOVERING = "recovering"
    QUARANTINED = "quarantined"


class HostEvent(StrEnum):
    """What can happen to a host."""

    ATTACH = "attach"
    ATTACH_DRAINING = "attach_draining"
    ATTACH_QUARANTINED = "attach_quarantined"
    DRAIN = "drain"
    FALL_SILENT = "fall_silent"
    SPEAK = "speak"
    SPEAK_QUARANTINED = "speak_quarantined"
    QUARANTINE = "quarantine"
    RELEASE = "release"
    LEASE_OVER = "lease_over"
    GOODBYE = "goodbye"
    RESTART = "restart"
    """The control plane itself was started again."""


H, E = HostState, HostEvent

_FROM_ANYWHERE = {E.ATTACH: H.READY, E.ATTACH_DRAINING: H.DRAINING, E.ATTACH_QUARANTINED: H.QUARANTINED}
TRANSITIONS: dict[HostState, dict[HostEvent, HostState]] = {
    H.READY: {
        **_FROM_ANYWHERE,
        E.DRAIN: H.DRAINING,
        E.FALL_SILENT: H.SUSPECT,
        E.QUARANTINE: H.QUARANTINED,
        E.LEASE_OVER: H.LOST,
        E.GOODBYE: H.GONE,
        E.RESTART: H.RECOVERING,
    },
    H.SUSPECT: {
        **_FROM_ANYWHERE,
        E.DRAIN: H.DRAINING,
        E.SPEAK: H.READY,
        E.SPEAK_QUARANTINED: H.QUARANTINED,
        E.LEASE_OVER: H.LOST,
        E.GOODBYE: H.GONE,
        E.RESTART: H.RECOVERING,
    },
    H.DRAINING: {
        **_FROM_ANYWHERE,
        E.DRAIN: H.DRAINING,
        E.LEASE_OVER: H.LOST,
        E.GOODBYE: H.GONE,
        E.RESTART: H.RECOVERING,
    },
    H.RECOVERING: {
        **_FROM_ANYWHERE,
        E.DRAIN: H.DRAINING,
        E.LEASE_OVER: H.LOST,
        E.RESTART: H.RECOVERING,
    },
    H.QUARANTINED: {
        **_FROM_ANYWHERE,
        E.DRAIN: H.DRAINING,
        E.FALL_SILENT: H.SUSPECT,
        E.RELEASE: H.READY,
        E.LEASE_OVER: H.LOST,
        E.GOODBYE: H.GONE,
        E.RESTART: H.RECOVERING,
    },
    H.LOST: dict(_FROM_ANYWHERE),
    H.GONE: dict(_FROM_ANYWHERE),
}

ATTACHED = frozenset({H.READY, H.SUSPECT, H.DRAINING, H.RECOVERING, H.QUARANTINED})
"""States in which the host may hold browsers."""
_REACHABLE = frozenset({H.READY, H.DRAINING, H.QUARANTINED})


@dataclass(frozen=True, slots=True)
class Host:
    """A host as stored; the meaning of each field is the proto's."""

    host_id: str
    state: HostState
    state_time: datetime
    state_message: str
    incarnation: str
    boot_id: str
    stream_no: int
    """Of its newest stream; messages of any other are refused."""
    next_command_id: int
    capacity: int
    slots_used: int
    """Placements not released; kept beside them so that placing need not count."""
    browsers: dict[str, str] = field(default_factory=dict)
    """Browser type to version."""
    build: str = ""
    sandboxed: bool = False
    extensions: dict[str, str] = field(default_factory=dict)
    """Name to version and checksum."""
    isolation: dict[str, int] = field(default_factory=dict)
    """The fields of HostIsolation that it said; what is absent is 0."""
    attach_time: datetime | None = None
    heartbeat_time: datetime | None = None
    drain_expire_time: datetime | None = None
    launch_failures: int = 0
    """Launches that failed in a row."""
    violations: int = 0
    """Streams of this process that ended because it broke the protocol."""
    quarantine_message: str = ""
    """Why it is in quarantine, whatever state it is in meanwhile; empty when it is not."""
    silent_time: datetime | None = None
    """Since when its action lease is not renewed, whatever state it is in meanwhile; None while it is heard."""

    @property
    def reachable(self) -> bool:
        """What is sent to the host reaches it, as far as is known."""
        return self.state in _REACHABLE and self.silent_time is None


def new(host_id: str, now: datetime, next_command_id: int = 1) -> Host:
    """A host that was never seen before; its first Hello says the rest."""
    return Host(
        host_id=host_id,
        state=HostState.GONE,
        state_time=now,
        state_message="",
        incarnation="",
        boot_id="",
        stream_no=0,
        next_command_id=next_command_id,
        capacity=0,
        slots_used=0,
    )


def moved(host: Host, event: HostEvent, now: datetime, message: str = "") -> Host:
    """The host after `event`."""
    state = TRANSITIONS[host.state].get(event)
    if state is None:
        raise Conflict(f"host {host.host_id} is {host.state.value}: {event.value} does not apply")
    return replace(host, state=state, state_time=now, state_message=message)
