"""What hosts and the control plane say to each other, as this program sees it; `wire` turns it into protos."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from control_plane.entities.recordings import Recorded, Replayed
from control_plane.entities.records import CommandRow
from control_plane.entities.runs import Run, RunStatus
from control_plane.entities.sessions import CloseReason, Session


@dataclass(frozen=True, slots=True)
class InventoryItem:
    """A browser that a host holds, or is starting."""

    browser_session_id: str
    fence: int
    live: bool
    age: timedelta


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A browser that is gone, with its processes and files."""

    browser_session_id: str
    fence: int
    reason: CloseReason
    message: str


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended: launched, done, or failed with a reason."""

    command_id: int
    launched: bool = False
    age: timedelta = timedelta()
    browser_version: str = ""
    state_notes: str = ""
    isolation: dict[str, int] = field(default_factory=dict)
    """What keeps the browser apart, as the host said; keys are the proto's."""
    warm_start: bool = False
    failure: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Hello:
    """A host introduces itself and says all it holds."""

    host_id: str
    incarnation: str
    boot_id: str
    protocol_min: int
    protocol_max: int
    build: str
    highest_control_epoch: int
    capacity: int
    browsers: dict[str, str]
    sandboxed: bool
    extensions: dict[str, str]
    """Name to version and checksum, with a space between them."""
    isolation: dict[str, int]
    """By the field names of HostIsolation, without those that are 0."""
    fault: str
    """Why it may run no browser; empty when it may."""
    inventory: tuple[InventoryItem, ...]
    run_ids: tuple[str, ...]
    tombstones: tuple[Tombstone, ...]
    command_results: tuple[CommandResult, ...]
    heartbeat_no: int
    draining: bool
    takes_event_acks: bool = False


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A host is alive."""

    heartbeat_no: int
    load_average: float
    available_memory_bytes: int
    draining: bool


class EventKind(StrEnum):
    """The events that move a run or a recording; all others are only stored."""

    STEP_STARTED = "step_started"
    STEP_FINISHED = "step_finished"
    APPROVAL_REQUESTED = "approval_requested"
    APPROVAL_RESOLVED = "approval_resolved"
    RUN_FINISHED = "run_finished"
    TASK_RECORDED = "task_recorded"
    REPLAYED = "replayed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """A run event as a host sent it, and what of it moves the run."""

    browser_session_id: str
    fence: int
    run_id: str
    seq: int
    body: bytes
    kind: EventKind
    step: int = 0
    approval_id: str = ""
    approval: bytes = b""
    lends_turn: bool = False
    """It asks a person to take over."""
    status: RunStatus | None = None
    failure_reason: str = ""
    failure_message: str = ""
    output: bytes = b""
    recording: Recorded | Replayed | None = None


@dataclass(frozen=True, slots=True)
class PageReport:
    """What a session's pages show now."""

    browser_session_id: str
    fence: int
    url: str
    title: str
    tab_count: int
    pages: bytes = b""
    """All of them, as Session keeps them."""
    conditions: bytes = b""
    """Likewise."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a host keeps a browser."""

    browser_session_id: str
    fence: int
    keep: bool


@dataclass(frozen=True, slots=True)
class EventAck:
    """All events up to `seq` are stored."""

    run_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class EventAcks:
    """The same for several runs, in one message."""

    acks: tuple[EventAck, ...]


@dataclass(frozen=True, slots=True)
class Welcome:
    """The host is taken in."""

    heartbeat_no: int
    verdicts: tuple[Verdict, ...]
    event_acks: tuple[EventAck, ...]


@dataclass(frozen=True, slots=True)
class HeartbeatAck:
    """Renews the leases."""

    heartbeat_no: int


@dataclass(frozen=True, slots=True)
class Command:
    """Something to do, with what it refers to."""

    row: CommandRow
    session: Session
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class Resend:
    """Events are missing from `from_seq` on."""

    run_id: str
    from_seq: int


@dataclass(frozen=True, slots=True)
class StopRun:
    """The run is over: stop it, send nothing more of it."""

    run_id: str


@dataclass(frozen=True, slots=True)
class TombstoneAck:
    """The tombstone is stored."""

    browser_session_id: str
    fence: int


@dataclass(frozen=True, slots=True)
class CommandResultAck:
    """The result is stored."""

    command_id: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Take yourself out of service."""

    drain_timeout: timedelta


@dataclass(frozen=True, slots=True)
class CaptureState:
    """Somebody waits for the state of a live browser; lost when the stream is."""

    browser_session_id: str
    fence: int
    capture_id: str


@dataclass(frozen=True, slots=True)
class OpenTunnel:
    """A CDP client waits for a live browser; lost when the stream is."""

    browser_session_id: str
    fence: int
    tunnel_id: str


@dataclass(frozen=True, slots=True)
class CapturePage:
    """Somebody waits for a picture or print of a live page; lost when the stream is."""

    browser_session_id: str
    fence: int
    artifact_id: str
    artifact_type: str


ToHost = (
    Welcome
    | HeartbeatAck
    | Command
    | EventAck
    | EventAcks
    | Resend
    | StopRun
    | TombstoneAck
    | CommandResultAck
    | Drain
    | CaptureState
    | OpenTunnel
    | CapturePage
)
