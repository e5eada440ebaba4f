"""What the host needs of a browser beyond what the task engine needs: starting it, watching it, ending it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from browser_host.browser import Browser
from browser_host.cdp_guest import CdpChannel
from browser_host.kernel.isolation import Isolation
from browser_host.messages import DIRECT, USUAL_PAGES, BrowserType, Geolocation, Network, PageOptions, Placement
from browser_host.network_log import Exchange
from browser_host.pages import Trouble


class LaunchFailed(Exception):
    """A browser could not be started; the text has its own words and, where there is one, the remedy."""

    reason = "LAUNCH_FAILED"
    """Of a command's failure and of the session's end."""


class ProxyUnusable(LaunchFailed):
    """The session's proxy lets nothing through; the text has what it said. Not the host's fault."""

    reason = "PROXY_FAILED"


class ProfileUnusable(LaunchFailed):
    """The state that a browser was to start from cannot be had, or not be put into it; no other host could."""


class StateNotTaken(Exception):
    """A browser did not give its state; the text says why."""


class DownloadFailed(Exception):
    """A download did not come to its end, or was broken off; the text says why."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A download that has come to its end, in the browser's own directory, which the browser may still write to."""

    path: Path
    user: int
    """Whose the file must be; 0: the host's own."""


class Download(Protocol):
    """A download that a page began. Its browser bounds it."""

    @property
    def file_name(self) -> str:
        """As the site named it, without directories."""

    @property
    def ended(self) -> asyncio.Future[Downloaded]:
        """Where it is, or DownloadFailed."""


class RecordSink(Protocol):
    """Takes what happens in a browser while a run is under way; no method raises, waits or fails anybody."""

    def console(self, time: datetime, kind: str, text: str, url: str, line: int) -> None:
        """A page wrote to its console, or threw: `kind` is Playwright's word, or exception."""

    def requested(self, exchange: Exchange) -> bool:
        """A page asks for something; False when what comes of it is not wanted."""

    def answered(self, exchange: Exchange) -> None:
        """An answer's head has come, and is written in."""

    def frame(self, jpeg: bytes) -> None:
        """The tab in front looks like this now."""

    def pictures_ended(self, why: str) -> None:
        """There will be no more pictures."""


StopRecords = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class BrowserSpec:
    """What of a browser is settled when it starts; all else can be given to one that runs already.

    The viewport is part of it, because the context applies it to each new tab before its first script runs.
    """

    browser_type: BrowserType
    width: int = 1280
    height: int = 720
    time_zone: str = ""
    locale: str = ""
    geolocation: Geolocation | None = None
    extensions: tuple[str, ...] = ()
    """Loaded into it while it waits; into one without them when a session gets it, which takes longer."""


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What to start."""

    placement: Placement
    browser_type: BrowserType
    url: str
    width: int
    height: int
    timeout: timedelta
    """Of the launch."""
    lifetime: timedelta | None = None
    """Of the browser, counted from its launch; None: only the lease ends it."""
    state: bytes | None = field(default=None, repr=False)
    """To be put into it before its first page; None: it starts fresh."""
    extensions: tuple[str, ...] = ()
    """Loaded before the first page."""
    network: Network = DIRECT
    page_options: PageOptions = USUAL_PAGES

    @property
    def spec(self) -> BrowserSpec:
        """What a browser that was started beforehand must have to serve this request."""
        network = self.network
        return BrowserSpec(
            self.browser_type, self.width, self.height, network.time_zone, network.locale, network.geolocation
        )

    def deadline(self, launch_time: float) -> float | None:
        """When a browser that is launched, or given to the session, at `launch_time` must have ended."""
        return None if self.lifetime is None else launch_time + self.lifetime.total_seconds()


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser's current page shows."""

    url: str
    title: str
    tab_count: int


class OpenBrowser(Browser, Protocol):
    """A browser that was started for one session."""

    @property
    def version(self) -> str:
        """Its product and version as it names itself."""

    @property
    def isolation(self) -> Isolation:
        """How apart it is."""

    @property
    def warm_start(self) -> bool:
        """It was started before the session asked for one."""

    @property
    def launch_time(self) -> float:
        """When its process was started, or given to the session when it ran already; on the host's monotonic clock."""

    @property
    def gone(self) -> asyncio.Future[str]:
        """Done, with the cause in words, as soon as its main process has ended."""

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the current page, its URL or the number of tabs may have changed."""

    def on_download(self, begun: Callable[[Download], None]) -> None:
        """Call `begun` for every download, those from before this call first."""

    def on_fatal_crash(self, callback: Callable[[str], None]) -> None:
        """Call `callback`, with what happened, when a page crashes and the options say that this ends the session."""

    def troubles(self) -> tuple[Trouble, ...]:
        """What its pages have done to the session; at most one of each kind."""

    async def record(self, sink: RecordSink, *, console: bool, network: bool, frames_per_second: int) -> StopRecords:
        """Tell `sink` what happens, until the answer is called; no pictures with 0 `frames_per_second`."""

    async def shown(self) -> Shown:
        """What the current page shows; bounded, with the last known title when the page does not answer."""

    def set_network(self, network: Network) -> None:
        """Let it reach this, this way, from now on; what is open and would not be opened now, or not so, is cut.

        Raises:
            ValueError: `network` means nothing; nothing was changed.
        """

    def change_page_options(self, options: PageOptions) -> None:
        """Deal with its tabs and dialogs like this from now on; what it does not take becomes one of its troubles."""

    @property
    def state_notes(self) -> str:
        """What of the state it started from could not be put into it; empty: all of it was, or there was none."""

    async def take_state(self, *, timeout: float, last: bool = False) -> bytes:
        """Its state as it is now, as JSON (`playwright_state` has the form), in at most `timeout` seconds.

        The browser goes on, and pages may write meanwhile: what one page wrote in one transaction is in it whole or
        not at all. For the `last` one, scripts that hold a page in a loop are ended, and `close` takes so much less.

        Raises:
            StateNotTaken.
        """

    async def open_cdp(self) -> CdpChannel:
        """A CDP connection of its own to this browser, for a client of the caller's.

        Raises:
            BrowserGone: there is none to be had.
        """

    async def close(self) -> None:
        """End the browser: afterwards none of its processes and files is left. At most 3 seconds.

        Safe to call again, and for a browser that is gone already.
        """


class Launcher(Protocol):
    """Starts browsers."""

    async def launch(self, request: LaunchRequest) -> OpenBrowser:
        """Start a browser and open its first page; that page not loading is no failure.

        Cancelled, it leaves no process and no file behind.

        Raises:
            LaunchFailed.
        """
