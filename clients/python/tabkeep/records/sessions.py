"""Browser sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from tabkeep.records.profiles import ProfileSave
from tabkeep.records.values import Condition


class BrowserType(StrEnum):
    """Which browser a session runs."""

    CHROME = "chrome"
    MSEDGE = "msedge"
    UNKNOWN = "unknown"
    """A kind that this version of the client does not know."""


class BrowserSessionState(StrEnum):
    """Where a session is in its life; CLOSED is final."""

    PENDING = "pending"
    LAUNCHING = "launching"
    RUNNING = "running"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class CloseReason(StrEnum):
    """Why a session is closed."""

    REQUESTED = "REQUESTED"
    TIMED_OUT = "TIMED_OUT"
    NO_CAPACITY = "NO_CAPACITY"
    LAUNCH_FAILED = "LAUNCH_FAILED"
    BROWSER_CRASHED = "BROWSER_CRASHED"
    HOST_LOST = "HOST_LOST"
    HOST_DRAINED = "HOST_DRAINED"
    PROFILE_UNUSABLE = "PROFILE_UNUSABLE"
    PROXY_FAILED = "PROXY_FAILED"
    PAGE_CRASHED = "PAGE_CRASHED"
    UNKNOWN = "UNKNOWN"


class DialogPolicy(StrEnum):
    """How dialogs of the browser are answered that no action answers."""

    DISMISS = "dismiss"
    ACCEPT = "accept"
    UNKNOWN = "unknown"


class CrashPolicy(StrEnum):
    """What follows when a page's process crashes."""

    RELOAD = "reload"
    CLOSE_SESSION = "close_session"
    UNKNOWN = "unknown"


class BrowserSessionChange(StrEnum):
    """Why a watched session was sent."""

    SNAPSHOT = "snapshot"
    UPDATED = "updated"
    PAGE = "page"
    EXPIRY_WARNING = "expiry_warning"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Viewport:
    """The size of a page's visible area in CSS pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy for all that a session's browser sends."""

    url: str
    """http, https or socks5, host and port, without credentials."""
    username: str = field(default="", repr=False)
    """Never in an answer."""
    password: str = field(default="", repr=False)
    """Never in an answer."""
    bypass: Sequence[str] = ()
    """Destinations that do not go through it."""

    @classmethod
    def from_url(cls, url: str, *, bypass: Sequence[str] = ()) -> Proxy:
        """Take "http://user:password@host:port" apart; percent-encoded letters in user and password count as such."""
        parts = urlsplit(url)
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return cls(
            url=address,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            bypass=bypass,
        )


@dataclass(frozen=True, slots=True)
class Geolocation:
    """A place on Earth: degrees north and east, meters."""

    latitude: float
    longitude: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class PermissionGrant:
    """Something that pages may do which they may not by default; without an origin all of them."""

    permission: str
    """Such as geolocation, notifications, clipboard-read, camera."""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class HttpCredential:
    """A user and password that one origin is given when it asks by HTTP."""

    origin: str
    """Like "https://example.com"."""
    username: str = field(default="", repr=False)
    """Never in an answer."""
    password: str = field(default="", repr=False)
    """Never in an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """How a session's tabs and dialogs are dealt with."""

    dialogs: DialogPolicy
    on_crash: CrashPolicy
    max_pages: int
    permissions: tuple[PermissionGrant, ...] = ()
    http_credentials: tuple[HttpCredential, ...] = ()
    """Only their origins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIsolation:
    """What keeps a session's browser apart, beside Chromium's sandbox; a limit of 0 is none."""

    own_user: bool
    """It runs as a system user that nothing else runs as."""
    memory_limit_bytes: int
    task_limit: int
    cpu_percent_limit: int


@dataclass(frozen=True, slots=True)
class BrowserPage:
    """An open tab."""

    page_id: str
    url: str
    title: str
    """Empty until it is known."""
    opener_page_id: str | None
    """The tab whose page opened it, while that is open."""
    current: bool
    """It is in front: the next action acts in it."""


@dataclass(frozen=True, slots=True)
class TakeOverLink:
    """With it a person takes over a session's browser."""

    url: str = field(repr=False)
    expire_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSessionOptions:
    """How to open the session that a run without `browser_session_id` gets; None takes the server's default."""

    timeout: timedelta | int | None = None
    """A bare number counts minutes, as in `create_browser_session`."""
    browser_type: BrowserType | str | None = None
    url: str | None = None
    viewport: Viewport | tuple[int, int] | None = None
    labels: Mapping[str, str] | None = None
    queue_timeout: timedelta | None = None
    extensions: Sequence[str] | None = None
    proxy: Proxy | str | None = None
    proxy_location: str | None = None
    allowed_domains: Sequence[str] = ()
    blocked_domains: Sequence[str] = ()
    browser_profile_id: str | None = None
    browser_profile_version: int | None = None
    save_profile: bool = False
    dialogs: DialogPolicy | str | None = None
    on_crash: CrashPolicy | str | None = None
    max_pages: int | None = None
    permissions: Sequence[PermissionGrant | str] = ()
    http_credentials: Sequence[HttpCredential] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """A live browser, or the record of one that was."""

    browser_session_id: str
    organization_id: str
    state: BrowserSessionState
    close_reason: CloseReason | None
    close_message: str
    timeout: timedelta
    queue_timeout: timedelta
    browser_type: BrowserType
    url: str | None
    viewport: Viewport | None
    labels: Mapping[str, str]
    create_time: datetime
    start_time: datetime | None
    expire_time: datetime | None
    close_time: datetime | None
    update_time: datetime
    browser_gone_time: datetime | None
    host_id: str | None
    active_run_id: str | None
    current_url: str | None
    page_title: str | None
    tab_count: int
    conditions: tuple[Condition, ...]
    browser_version: str | None
    sandboxed: bool
    extensions: tuple[str, ...]
    browser_profile_id: str | None = None
    browser_profile_version: int | None = None
    save_profile: bool = False
    profile_save: ProfileSave | None = None
    cdp_url: str | None = None
    """Where a CDP client attaches while the session is running: `connect_over_cdp(cdp_url, headers={"x-api-key": key})`
    with a key that has the scope CDP or OPERATOR."""
    cdp_attach_time: datetime | None = None
    """Since when one is attached and has the session's turn."""
    proxy: Proxy | None = None
    proxy_location: str | None = None
    allowed_domains: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()
    time_zone: str | None = None
    locale: str | None = None
    geolocation: Geolocation | None = None
    page_options: PageOptions | None = None
    isolation: SessionIsolation | None = None
    """None until its browser was launched."""
    warm_start: bool = False
    """Its browser came from its host's pool of started ones."""

    @property
    def status(self) -> str:
        """Whether it takes runs: "running" from its creation on, "closed" afterwards; `state` is finer."""
        return "closed" if self.state is BrowserSessionState.CLOSED else "running"


@dataclass(frozen=True, slots=True)
class BrowserSessionUpdate:
    """A session as it is after a change."""

    change: BrowserSessionChange
    browser_session: BrowserSession
