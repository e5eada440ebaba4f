"""The life of a browser session: its states, what moves it, and what each move changes. Pure; no I/O.

Who may move what: the control plane places, closes and expires; a host reports launches and ends. `due_time` is
the next moment at which something happens by itself; what that is depends on the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from control_plane.errors import Conflict


class SessionState(StrEnum):
    """Where a session is."""

    PENDING = "pending"
    """Waits for a host with room; due: the end of its queue_timeout."""
    LAUNCHING = "launching"
    """Placed; due: the end of the launch timeout."""
    ABORTING = "aborting"
    """Its launch took too long; waits until that host says the browser is gone, or until that is overdue too. Shown
    as LAUNCHING."""
    RUNNING = "running"
    """Due: expire_time."""
    CLOSED = "closed"
    """Final; nothing is due."""


class CloseReason(StrEnum):
    """Why a session is CLOSED, or why a host's browser ended."""

    REQUESTED = "requested"
    TIMED_OUT = "timed_out"
    NO_CAPACITY = "no_capacity"
    LAUNCH_FAILED = "launch_failed"
    BROWSER_CRASHED = "browser_crashed"
    HOST_LOST = "host_lost"
    HOST_DRAINED = "host_drained"
    PROXY_FAILED = "proxy_failed"
    PROFILE_UNUSABLE = "profile_unusable"
    PAGE_CRASHED = "page_crashed"


class ProfileSaveState(StrEnum):
    """What became of keeping a session's browser state."""

    PENDING = "pending"
    SAVED = "saved"
    SAVED_EARLIER = "saved_earlier"
    FAILED = "failed"


class SessionEvent(StrEnum):
    """What can happen to a session."""

    PLACED = "placed"
    LAUNCHED = "launched"
    LAUNCH_OVERDUE = "launch_overdue"
    LAUNCH_LOST = "launch_lost"
    """The launch failed, or its host was lost; another host may try."""
    CLOSED = "closed"


S, E = SessionState, SessionEvent

TRANSITIONS: dict[SessionState, dict[SessionEvent, SessionState]] = {
    S.PENDING: {E.PLACED: S.LAUNCHING, E.CLOSED: S.CLOSED},
    S.LAUNCHING: {
        E.LAUNCHED: S.RUNNING,
        E.LAUNCH_OVERDUE: S.ABORTING,
        E.LAUNCH_LOST: S.PENDING,
        E.CLOSED: S.CLOSED,
    },
    S.ABORTING: {E.LAUNCH_LOST: S.PENDING, E.CLOSED: S.CLOSED},
    S.RUNNING: {E.CLOSED: S.CLOSED},
    S.CLOSED: {},
}


@dataclass(frozen=True, slots=True)
class Session:
    """A session as stored; the meaning of each field is the proto's."""

    browser_session_id: str
    organization_id: str
    state: SessionState
    timeout: timedelta
    queue_timeout: timedelta
    browser_type: str
    url: str
    viewport_width: int
    viewport_height: int
    labels: dict[str, str]
    create_time: datetime
    update_time: datetime
    due_time: datetime | None
    close_reason: CloseReason | None = None
    close_message: str = ""
    start_time: datetime | None = None
    expire_time: datetime | None = None
    close_time: datetime | None = None
    browser_gone_time: datetime | None = None
    host_id: str = ""
    fence: int = 0
    """The placement; 0 while it has none. Rises with every placement of any session."""
    launch_attempts: int = 0
    active_run_id: str = ""
    owner_run_id: str = ""
    """The run this session was opened for and ends with."""
    current_url: str = ""
    page_title: str = ""
    tab_count: int = 0
    browser_version: str = ""
    sandboxed: bool = False
    isolation: dict[str, int] = field(default_factory=dict)
    """What keeps its browser apart, as its host said at the launch; keys are the proto's."""
    warm_start: bool = False
    extensions: str = ""
    """Names, sorted, with commas between them."""
    traceparent: str = ""
    network: bytes = b""
    """What is shown of what the browser may reach, and how; empty: the default."""
    network_sealed: bytes = b""
    """The same for the host, with credentials, encrypted; empty: the default, or the session is closed."""
    page_options: bytes = b""
    """How its tabs and dialogs are dealt with, as it is shown."""
    page_options_sealed: bytes = b""
    """The same for the host, with credentials, encrypted; empty: the default, or the session is closed."""
    pages: bytes = b""
    """Its tabs as its host last reported them, a ListPagesResponse; empty: none, or the session is closed."""
    page_conditions: bytes = b""
    """What its pages have done to it as its host last reported it, a BrowserSession with nothing but conditions."""
    browser_profile_id: str = ""
    browser_profile_version: int = 0
    browser_profile_notes: str = ""
    """What of the profile could not be put into the browser."""
    save_profile: bool = False
    profile_save_state: ProfileSaveState | None = None
    """None unless `save_profile`."""
    profile_save_message: str = ""
    profile_save_version: int = 0
    """The version of its profile that is this session's to write; 0 before its first save, or without a profile."""
    profile_save_time: datetime | None = None
    """The moment whose state is stored; None while nothing is."""
    profile_save_no: int = 0
    """Of what is stored, as the host counts."""
    profile_due_time: datetime | None = None
    """Until when a closed session's state is waited for."""
    cdp_client_id: str = ""
    """The CDP client that has the session's turn."""
    cdp_attach_time: datetime | None = None
    cdp_run_id: str = ""
    """The run that has lent the client its turn; empty: no run was active when it came."""

    @property
    def extension_names(self) -> tuple[str, ...]:
        return tuple(self.extensions.split(",")) if self.extensions else ()

    @property
    def open(self) -> bool:
        return self.state is not S.CLOSED


def _move(session: Session, event: SessionEvent) -> SessionState:
    state = TRANSITIONS[session.state].get(event)
    if state is None:
        raise Conflict(f"session {session.browser_session_id} is {session.state.value}: {event.value} does not apply")
    return state


def placed(session: Session, host_id: str, fence: int, sandboxed: bool, now: datetime, due: datetime) -> Session:
    """The session gets a place on a host, whose launch is due at `due`."""
    return replace(
        session,
        state=_move(session, E.PLACED),
        host_id=host_id,
        fence=fence,
        sandboxed=sandboxed,
        launch_attempts=session.launch_attempts + 1,
        update_time=now,
        due_time=due,
    )


def launched(
    session: Session,
    age: timedelta,
    browser_version: str,
    now: datetime,
    isolation: Mapping[str, int] = {},
    *,
    warm_start: bool = False,
) -> Session:
    """Its browser is up since `age`; the timeout counts from there."""
    start = now - age
    expire = start + session.timeout
    return replace(
        session,
        state=_move(session, E.LAUNCHED),
        start_time=start,
        expire_time=expire,
        due_time=expire,
        browser_version=browser_version,
        isolation=dict(isolation),
        warm_start=warm_start,
        update_time=now,
    )


def launch_overdue(session: Session, now: datetime, due: datetime) -> Session:
    """Its launch took too long; the host has until `due` to say that the browser is gone."""
    return replace(session, state=_move(session, E.LAUNCH_OVERDUE), due_time=due, update_time=now)


def launch_lost(session: Session, now: datetime) -> Session:
    """Back to waiting for a host; the queue timeout counts from creation, as before."""
    return replace(
        session,
        state=_move(session, E.LAUNCH_LOST),
        pages=b"",
        page_conditions=b"",
        host_id="",
        fence=0,
        update_time=now,
        due_time=max(now, session.create_time + session.queue_timeout),
    )


def closed(session: Session, reason: CloseReason, message: str, now: datetime) -> Session:
    """The session is over."""
    return replace(
        session,
        state=_move(session, E.CLOSED),
        close_reason=reason,
        close_message=message,
        close_time=now,
        update_time=now,
        due_time=None,
        active_run_id="",
        cdp_client_id="",
        cdp_attach_time=None,
        cdp_run_id="",
        network_sealed=b"",
        page_options_sealed=b"",
        pages=b"",
        page_conditions=b"",
    )


def retimed(session: Session, timeout: timedelta, now: datetime) -> Session:
    """The session has another lifetime, counted like the first from its launch."""
    if session.start_time is None:
        return replace(session, timeout=timeout, update_time=now)
    expire = session.start_time + timeout
    return replace(session, timeout=timeout, expire_time=expire, due_time=expire, update_time=now)


def restarted_clock(session: Session, age: timedelta, now: datetime) -> Session:
    """The host's clock says how old the browser is; it is right and ours may not be after a restart."""
    start = now - age
    if session.start_time is None or abs(start - session.start_time) < timedelta(seconds=1):
        start = session.start_time or start
    expire = start + session.timeout
    if (session.start_time, session.expire_time, session.due_time) == (start, expire, expire):
        return session
    return replace(session, start_time=start, expire_time=expire, due_time=expire, update_time=now)


def shifted(session: Session, step: timedelta, now: datetime) -> Session:
    """The session after the wall clock was set by `step`: what is left of its times is left of them still."""
    times = {name: getattr(session, name) for name in ("start_time", "expire_time", "due_time")}
    moved = {name: time + step for name, time in times.items() if time is not None}
    return replace(session, **moved, update_time=now)
