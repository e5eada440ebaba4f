"""What a host and its control plane say to each other, in the host's own words.

`wire` turns these into the messages of host.proto and back; their meaning is written there. Run events and the
body of StartRun stay the generated messages, because the vocabulary of actions is defined once, in the protos.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from pathlib import Path

from tabkeep.host.v1.host_pb2 import StartRun
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.extensions import Extension
from browser_host.kernel.isolation import UNKNOWN, Isolation
from browser_host.pages import OpenPage, Trouble


class BrowserType(StrEnum):
    """Which browser."""

    CHROME = "chrome"
    MSEDGE = "msedge"


class EndReason(Enum):
    """Why a browser is gone."""

    REQUESTED = "requested"
    TIMED_OUT = "timed_out"
    LAUNCH_FAILED = "launch_failed"
    BROWSER_CRASHED = "browser_crashed"
    HOST_LOST = "host_lost"
    HOST_DRAINED = "host_drained"
    PROXY_FAILED = "proxy_failed"
    PAGE_CRASHED = "page_crashed"


@dataclass(frozen=True, slots=True)
class Placement:
    """One placing of a session on this host; a session that is placed again gets another fence."""

    browser_session_id: str
    fence: int

    @property
    def log_fields(self) -> dict[str, object]:
        """By which the log names it."""
        return {"browser_session_id": self.browser_session_id, "fence": self.fence}


# From the host.


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a host is; the same on all its streams."""

    host_id: str
    incarnation: str
    boot_id: str
    build: str
    capacity: int
    browsers: tuple[tuple[BrowserType, str], ...]
    """Type, and product with version."""
    isolation: Isolation
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True, slots=True)
class InventoryItem:
    """A browser that lives or is being started."""

    placement: Placement
    live: bool
    age: timedelta


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The last event a run made."""

    run_id: str
    last_seq: int


@dataclass(frozen=True, slots=True)
class Launched:
    """A browser is up."""

    age: timedelta
    browser_version: str
    state_notes: str = ""
    """What of the state it was to start from could not be put into it."""
    isolation: Isolation = UNKNOWN
    warm_start: bool = False
    """It was started before the session asked for one."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command was carried out, or there was nothing left to do."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A command was not carried out."""

    reason: str
    message: str


Outcome = Launched | Done | Failure


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    command_id: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A browser, its processes and its files are gone."""

    placement: Placement
    reason: EndReason
    message: str


@dataclass(frozen=True, slots=True)
class Hello:
    """First on every stream: all the host holds."""

    identity: Identity
    highest_control_epoch: int
    heartbeat_no: int
    inventory: tuple[InventoryItem, ...]
    runs: tuple[RunProgress, ...]
    tombstones: tuple[Tombstone, ...]
    command_results: tuple[CommandResult, ...]
    draining: bool


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The host is alive."""

    heartbeat_no: int
    load_average: float
    available_memory_bytes: int
    draining: bool


@dataclass(frozen=True, slots=True)
class HostedEvent:
    """A run event and the placement under which it was made."""

    placement: Placement
    event: RunEvent


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Run events, in order for each run."""

    events: tuple[HostedEvent, ...]


@dataclass(frozen=True, slots=True)
class PageReport:
    """What a session's pages show now."""

    placement: Placement
    url: str
    title: str
    tab_count: int
    pages: tuple[OpenPage, ...] = ()
    troubles: tuple[tuple[Trouble, datetime], ...] = ()
    """With since when."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The host ends and holds no browser."""

    reason: str


FromHost = Hello | Heartbeat | EventBatch | CommandResult | PageReport | Tombstone | Goodbye


# From the control plane.


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to keep a browser that Hello named."""

    placement: Placement
    keep: bool


@dataclass(frozen=True, slots=True)
class EventAck:
    """All events of a run up to `seq` are stored."""

    run_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class EventAcks:
    """The same for several runs, in one message."""

    acks: tuple[EventAck, ...]


@dataclass(frozen=True, slots=True)
class Welcome:
    """The control plane takes the host in."""

    heartbeat_no: int
    heartbeat_interval: timedelta
    action_lease: timedelta
    holding_lease: timedelta
    verdicts: tuple[Verdict, ...]
    event_acks: tuple[EventAck, ...]


@dataclass(frozen=True, slots=True)
class HeartbeatAck:
    """A heartbeat was received."""

    heartbeat_no: int


@dataclass(frozen=True, slots=True)
class Proxy:
    """What all of a browser goes through."""

    url: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    bypass: tuple[str, ...] = ()
    """Destinations that it reaches directly."""
    trusted: bool = False
    """The operator's own: it may lie at a private address."""


@dataclass(frozen=True, slots=True)
class Geolocation:
    """Where pages are told that they are, in degrees and meters."""

    latitude: float
    longitude: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Network:
    """What a session's browser may reach, and how."""

    proxy: Proxy | None = None
    allowed_domains: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()
    time_zone: str = ""
    locale: str = ""
    geolocation: Geolocation | None = None


DIRECT = Network()
"""Everything public, directly."""


@dataclass(frozen=True, slots=True)
class PermissionGrant:
    """Something that pages may do."""

    permission: str
    origin: str = ""
    """Empty: pages of all origins."""


@dataclass(frozen=True, slots=True)
class HttpCredential:
    """What one origin is given when it asks by HTTP."""

    origin: str
    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PageOptions:
    """How tabs and dialogs are dealt with."""

    accept_dialogs: bool = False
    """Those that no action answers."""
    crash_ends_session: bool = False
    max_pages: int = 20
    permissions: tuple[PermissionGrant, ...] = ()
    http_credentials: tuple[HttpCredential, ...] = ()


USUAL_PAGES = PageOptions()


@dataclass(frozen=True, slots=True)
class Launch:
    """Start a browser."""

    browser_type: BrowserType
    url: str
    width: int
    height: int
    timeout: timedelta
    """Of the session, from the launch on."""
    launch_timeout: timedelta
    from_state: bool = False
    """Fetch a state and put it into the browser before its first page."""
    save_state: bool = False
    """Bring the state now and then, and at the end."""
    extensions: tuple[str, ...] = ()
    """By name."""
    network: Network = DIRECT
    page_options: PageOptions = USUAL_PAGES


@dataclass(frozen=True, slots=True)
class Close:
    """End the session's browser."""


@dataclass(frozen=True, slots=True)
class CancelRun:
    """End a run at the next step boundary."""

    run_id: str


@dataclass(frozen=True, slots=True)
class ResolveApproval:
    """A person has answered."""

    run_id: str
    approval_id: str
    approved: bool
    comment: str


@dataclass(frozen=True, slots=True)
class SetTimeout:
    """Another lifetime for the session, from its launch on."""

    timeout: timedelta


@dataclass(frozen=True, slots=True)
class SetNetwork:
    """Another network for a live browser."""

    network: Network


@dataclass(frozen=True, slots=True)
class SetPageOptions:
    """Other page options for a live browser."""

    page_options: PageOptions


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A command, or a part of one, that this version does not know."""

    what: str


@dataclass(frozen=True, slots=True)
class Command:
    """Something to do, once."""

    command_id: int
    placement: Placement
    traceparent: str
    kind: (
        Launch | Close | StartRun | CancelRun | ResolveApproval | SetTimeout | SetNetwork | SetPageOptions | Unsupported
    )


@dataclass(frozen=True, slots=True)
class Resend:
    """Events of a run are missing from `from_seq` on."""

    run_id: str
    from_seq: int


@dataclass(frozen=True, slots=True)
class StopRun:
    """A run is over; send nothing more of it."""

    run_id: str


@dataclass(frozen=True, slots=True)
class TombstoneAck:
    """A tombstone is stored."""

    placement: Placement


@dataclass(frozen=True, slots=True)
class Drain:
    """Take the host out of service."""

    drain_timeout: timedelta


@dataclass(frozen=True, slots=True)
class CommandResultAck:
    """A command result is stored."""

    command_id: int


@dataclass(frozen=True, slots=True)
class CaptureState:
    """Somebody waits for the state of a live browser."""

    placement: Placement
    capture_id: str


@dataclass(frozen=True, slots=True)
class OpenTunnel:
    """A CDP client waits for a live browser."""

    placement: Placement
    tunnel_id: str


@dataclass(frozen=True, slots=True)
class CapturePage:
    """Somebody waits for a picture or print of a live page."""

    placement: Placement
    artifact_id: str
    pdf: bool


FromControlPlane = (
    Welcome
    | HeartbeatAck
    | Command
    | EventAck
    | EventAcks
    | Resend
    | StopRun
    | TombstoneAck
    | Drain
    | CommandResultAck
    | CaptureState
    | OpenTunnel
    | CapturePage
)


@dataclass(frozen=True, slots=True)
class Received:
    """A message and the numbers that fence it; None is a message that this version does not know."""

    control_epoch: int
    stream_no: int
    message: FromControlPlane | None


# Beside the stream.


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot on its way to the control plane."""

    placement: Placement
    run_id: str
    """Empty: somebody asked for it."""
    artifact_id: str
    jpeg: bytes
    pdf: bool = False
    """It is no JPEG but a page's print."""
    failure: str = ""
    """Why there is none."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file on its way to the control plane, or why there is none: a download, or a record of a run."""

    placement: Placement
    run_id: str
    """Empty: it began while no run was under way."""
    artifact_id: str
    file_name: str
    content_type: str
    path: Path | None
    """None: it was refused."""
    size: int
    sha256: str
    failure: str = ""
    artifact_type: str = "download"
    """download, console_log, network_log or recording."""
    truncation: str = ""
    """What is missing from it."""


@dataclass(frozen=True, slots=True)
class TakenState:
    """A browser's state on its way to the control plane, or why there is none."""

    placement: Placement
    state_no: int
    """Rises with each state of the placement."""
    last: bool
    """No other follows."""
    capture_id: str
    """What it answers; empty: it is what `save_state` asks for."""
    taken_at: float
    """On the host's monotonic clock."""
    content: bytes = field(repr=False)
    failure: str = ""
