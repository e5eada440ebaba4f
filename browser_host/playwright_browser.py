"""One Chromium for one session: its tabs, its end. Implements `open_browser.OpenBrowser`.

The tab in front is the newest one, or what was in front before it when it closes. A tab that crashes is replaced by
a new one on the same URL, because Playwright can never use it again. Every wait for the browser is bounded; what a
page does can hold up its own calls, never the host.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Error, Frame
from playwright.async_api import Page as Tab

from browser_host import cgroups, processes, session_directory
from browser_host.browser import BrowserError, BrowserGone, Page
from browser_host.cgroups import BrowserCgroups
from browser_host.egress import Egress
from browser_host.egress_policy import Refused, check_url
from browser_host.file_shelf import FileShelf
from browser_host.messages import Network
from browser_host.open_browser import Download, RecordSink, Shown, StateNotTaken, StopRecords
from browser_host.playwright_cdp import PlaywrightCdp
from browser_host.playwright_downloads import PlaywrightDownloads
from browser_host.playwright_driver import Driver
from browser_host.playwright_page import PlaywrightPage
from browser_host.playwright_records import PlaywrightRecords
from browser_host.playwright_state import BrowserState

logger = logging.getLogger(__name__)

MOST_TABS = 20
"""A page may open as many as it likes; the newest beyond this are closed again."""
TAB_SECONDS = 10.0
"""How long a new tab may take."""
TITLE_SECONDS = 1.0
SHORTEST_CLOSE_SECONDS = 0.5
"""What a browser has at least to end by itself after the last state took its time."""
CLOSE_SECONDS = 2.0
"""How long a browser may take to end by itself; healthy ones take 0.15 s, also with a page in an endless loop."""
_OWN_PAGES = ("chrome-error:", "chrome-extension:", "about:")
"""The browser's own pages that a tab may show: what did not load, an extension's, a new tab's."""
REPLACEMENTS, REPLACEMENT_WINDOW = 3, 60.0
"""A page that crashes more often than this in a minute is not loaded again; a blank tab takes its place."""


@dataclass(slots=True, eq=False)
class _OpenTab:
    tab: Tab
    page: asyncio.Task[PlaywrightPage]
    title: str = ""
    asking_title: asyncio.Task[str] | None = field(default=None)


class PlaywrightBrowser:
    """A browser that `PlaywrightLauncher` has started."""

    def __init__(
        self,
        context: BrowserContext,
        driver: Driver,
        *,
        pid: int,
        directory: Path,
        cgroups: BrowserCgroups | None,
        user: int,
        egress: Egress,
        version: str,
        launch_time: float,
        downloads: PlaywrightDownloads,
        released: Callable[[], None],
        fields: dict[str, object],
    ) -> None:
        """`pid` is of the main process, which leads a process group; `released` is called after the end.

        `user` is the number of the user that only this browser runs as, 0 if it is the host's own.
        """
        self._context = context
        self._driver = driver
        self._pid = pid
        self._directory = directory
        self._shelf = FileShelf(directory / session_directory.READ_BY_BROWSER, user)
        self._cgroups = cgroups
        self._user = user
        self._egress = egress
        self._version = version
        self._launch_time = launch_time
        self._released = released
        self._fields = fields
        self._tabs: list[_OpenTab] = []
        self._changed: Callable[[], None] = lambda: None
        self._replaced_at: list[float] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._replacing: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._close_seconds = CLOSE_SECONDS
        self._own_tabs_opening = 0
        self._undecided: list[Tab] = []
        """Tabs that opened while one of the host's own was: only then it is known which is which."""
        self._state = BrowserState(context, self._own_tab, version)
        self._state_notes = ""
        self._downloads = downloads
        self._taking: asyncio.Future[bytes] | None = None
        self._gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._watch = processes.ProcessWatch(pid)
        self._watch.exited.add_done_callback(lambda _: self._lost("the browser ended by itself or was killed"))
        driver.exited.add_done_callback(self._driver_lost)
        context.on("close", self._context_lost)
        context.on("page", self._tab_opened)
        for tab in context.pages:
            self._tab_opened(tab)

    @property
    def pid(self) -> int:
        """Its main process, which leads its process group."""
        return self._pid

    @property
    def version(self) -> str:
        """Its product and version."""
        return self._version

    @property
    def launch_time(self) -> float:
        """When its process was started, or a session was given one that ran already."""
        return self._launch_time

    @property
    def user(self) -> int:
        """The number of the user that only this browser runs as; 0 if it is the host's own."""
        return self._user

    def claimed(self, launch_time: float, fields: dict[str, object]) -> None:
        """A session has it from now on: its time counts from `launch_time`, and the log names it by `fields`."""
        self._launch_time = launch_time
        self._fields = fields

    @property
    def gone(self) -> asyncio.Future[str]:
        """Done when its main process has ended."""
        return self._gone

    @property
    def context(self) -> BrowserContext:
        """Playwright's own view of it."""
        return self._context

    @property
    def egress(self) -> Egress:
        """Its way out."""
        return self._egress

    def set_network(self, network: Network) -> None:
        """Let it reach this, this way, from now on."""
        self._egress.set_network(network)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` on every change of what it shows."""
        self._changed = callback

    # Its state.

    @property
    def state_notes(self) -> str:
        """What of the state it started from could not be put into it."""
        return self._state_notes

    async def restore_state(self, content: bytes) -> None:
        """Put a state into it, whatever it has done before; raises ProfileUnusable, or Playwright's Error."""
        self._state_notes = await self._state.restore(content)

    async def take_state(self, *, timeout: float, last: bool = False) -> bytes:
        """Its state as it is now; raises StateNotTaken."""
        if self._gone.done() or self._closing is not None:
            raise StateNotTaken("the browser has ended")
        loop = asyncio.get_running_loop()
        began = loop.time()
        if last and self._taking is not None:
            self._taking.cancel()  # somebody else's; the last one has no time to wait for it
        taking = asyncio.ensure_future(self._state.take(timeout=timeout, free=self._free_pages if last else None))
        self._taking = taking
        waited_for: set[asyncio.Future[Any]] = {taking, self._gone}
        try:
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                raise StateNotTaken("the browser has ended")
            if taking.cancelled():
                raise StateNotTaken("the session has ended")
            return taking.result()
        finally:
            taking.cancel()
            if last:
                # One that did not answer now will hardly end by itself.
                answered = taking.done() and not taking.cancelled() and taking.exception() is None
                left = CLOSE_SECONDS - (loop.time() - began) if answered else 0.0
                self._close_seconds = max(SHORTEST_CLOSE_SECONDS, left)

    def _free_pages(self) -> None:
        """End the scripts that hold pages in endless loops: the session ends, and its state is wanted."""
        for opened in self._tabs:
            if opened.page.done() and not opened.page.cancelled() and opened.page.exception() is None:
                self._start(opened.page.result().free())

    @asynccontextmanager
    async def _own_tab(self) -> AsyncIterator[Tab]:
        """A tab of the host's own: it is not shown, counted, or ever in front."""
        self._own_tabs_opening += 1
        tab = None
        try:
            tab = await self._context.new_page()
        finally:
            self._own_tabs_opening -= 1
            undecided, self._undecided = self._undecided, []
            for other in undecided:
                if other is not tab:
                    self._tab_opened(other)
        try:
            yield tab
        finally:
            self._start(tab.close())

    # Tabs.

    async def current_page(self) -> Page:
        """The tab in front; a new one when none is left.

        Raises:
            BrowserGone.
        """
        while True:
            if self._gone.done() or self._closing is not None:
                raise BrowserGone(self._gone.result() if self._gone.done() else "the browser is being closed")
            if self._replacing is not None:
                await self._race(asyncio.shield(self._replacing))
            elif not self._tabs:
                await self._race(self._context.new_page())
            else:
                front = self._tabs[-1]
                page: PlaywrightPage | None = await self._race(asyncio.shield(front.page))
                if page is not None:
                    return page
                self._forget(front)
                self._start(front.tab.close())

    def on_download(self, begun: Callable[[Download], None]) -> None:
        """Call `begun` for every download, those from before this call first."""
        self._downloads.on_download(begun)

    async def record(self, sink: RecordSink, *, console: bool, network: bool, frames_per_second: int) -> StopRecords:
        """Tell `sink` what happens."""
        records = PlaywrightRecords(self._context, lambda: self._tabs[-1].tab if self._tabs else None, sink)
        records.begin(console=console, network=network, frames_per_second=frames_per_second)
        return records.end

    async def shown(self) -> Shown:
        """What the tab in front shows; the title as last known when the page does not answer within a second."""
        if not self._tabs:
            return Shown("about:blank", "", 0)
        front = self._tabs[-1]
        if front.asking_title is None:
            # One question at a time: a page that hangs would otherwise pile them up in the driver.
            front.asking_title = self._start(front.tab.title())
        await asyncio.wait({front.asking_title}, timeout=TITLE_SECONDS)
        if front.asking_title.done():
            if not front.asking_title.cancelled() and front.asking_title.exception() is None:
                front.title = front.asking_title.result()
            front.asking_title = None
        return Shown(front.tab.url, front.title, len(self._tabs))

    async def answers(self, seconds: float) -> bool:
        """Whether its page answers within `seconds`."""
        if self._gone.done() or not self._tabs:
            return False
        asking = self._start(self._tabs[-1].tab.evaluate("1"))
        await asyncio.wait({asking}, timeout=seconds)
        return asking.done() and not asking.cancelled() and asking.exception() is None

    async def _race(self, call: Coroutine[Any, Any, Any] | asyncio.Future[Any]) -> Any:
        """What `call` brings, or None when it fails, takes too long, or the browser ends first."""
        calling = asyncio.ensure_future(call)
        waited_for: set[asyncio.Future[Any]] = {calling, self._gone}
        try:
            await asyncio.wait(waited_for, timeout=TAB_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not calling.done() or calling.cancelled() or calling.exception() is not None:
                return None
            return calling.result()
        finally:
            calling.cancel()

    def _tab_opened(self, tab: Tab) -> None:
        if any(known.tab is tab for known in self._tabs):
            return
        if self._own_tabs_opening:
            self._undecided.append(tab)
            return
        if len(self._tabs) >= MOST_TABS:
            logger.warning("tab closed: too many", extra={**self._fields, "tabs": len(self._tabs)})
            self._start(tab.close())
            return
        opened = _OpenTab(tab, self._start(PlaywrightPage.open(tab, self._egress, self._shelf)))
        self._tabs.append(opened)
        tab.on("close", lambda _: self._forget(opened))
        tab.on("crash", lambda _: self._crashed(opened))
        tab.on("framenavigated", self._navigated)
        tab.on("domcontentloaded", lambda _: self._changed())
        self._changed()

    def _navigated(self, frame: Frame) -> None:
        self._state.visited(frame.url)
        if frame.parent_frame is None:
            self._changed()
        try:
            if not frame.url.startswith(_OWN_PAGES):
                check_url(frame.url)
        except Refused as error:
            # Chromium itself keeps pages from these; whatever found a way is taken back before it is read from.
            logger.warning("page left: its address is not opened", extra={**self._fields, "reason": str(error)})
            self._start(frame.page.goto("about:blank", timeout=TAB_SECONDS * 1000))

    def _forget(self, opened: _OpenTab) -> None:
        if opened in self._tabs:
            self._tabs.remove(opened)
            self._changed()

    def _crashed(self, opened: _OpenTab) -> None:
        url = opened.tab.url
        logger.warning("page crashed", extra=self._fields)
        self._forget(opened)
        if self._closing is None and not self._gone.done() and self._replacing is None:
            self._replacing = self._start(self._replace(opened.tab, url))

    async def _replace(self, crashed: Tab, url: str) -> None:
        """Put a new tab on `url` in the place of a crashed one."""
        try:
            async with asyncio.timeout(TAB_SECONDS):
                tab = await self._context.new_page()
        finally:
            self._replacing = None
        self._start(crashed.close())
        now = asyncio.get_running_loop().time()
        self._replaced_at = [at for at in self._replaced_at if now - at < REPLACEMENT_WINDOW]
        if len(self._replaced_at) < REPLACEMENTS and url.startswith(("http://", "https://")):
            self._replaced_at.append(now)
            await tab.goto(url, timeout=TAB_SECONDS * 1000, wait_until="commit")

    def _start(self, call: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `call` in a task of this browser's; its failure is whoever's that awaits it, else nobody's."""
        task = asyncio.create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not isinstance(error, Error | BrowserError | TimeoutError):
            logger.error("browser task failed", exc_info=error, extra=self._fields)

    async def open_cdp(self) -> PlaywrightCdp:
        """A CDP connection for a client; it ends with the browser.

        Raises:
            BrowserGone.
        """
        browser = self._context.browser
        if self._gone.done() or self._closing is not None or browser is None:
            raise BrowserGone(self._gone.result() if self._gone.done() else "the browser is being closed")
        channel = await PlaywrightCdp.open(browser)
        self._gone.add_done_callback(lambda gone: channel.end(gone.result()))
        return channel

    # Its end.

    async def close(self) -> None:
        """End it: gracefully if it does so within 2 s, then by killing its process group, whatever is left of it.

        Raises:
            OSError, psutil.Error: something of it may be left; the next call tries again.
        """
        if self._closing is None or (self._closing.done() and self._failed_to_close(self._closing)):
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        how = "dead"
        self._downloads.end("the session ended before it was complete")
        ending = asyncio.ensure_future(self._context.close())
        try:
            if not self._gone.done():
                waited_for: set[asyncio.Future[Any]] = {ending, self._gone}
                await asyncio.wait(waited_for, timeout=self._close_seconds, return_when=asyncio.FIRST_COMPLETED)
                how = "graceful" if ending.done() or self._gone.done() else "killed"
        finally:
            # Also after a graceful end: a child that was stuck stays behind, in the group.
            await processes.end_group(self._pid)
            await processes.end_processes_of(self._directory)
            if self._cgroups is not None:
                await cgroups.end(self._cgroups.paths)
            if self._user:
                await processes.end_user(self._user)
            ending.add_done_callback(_ignore)
            ending.cancel()
        await self._egress.close()
        for task in list(self._tasks):
            task.cancel()
        self._watch.close()
        self._lost("the browser was closed")
        await asyncio.to_thread(processes.remove_tree, self._directory)
        self._released()
        duration_ms = round((loop.time() - began) * 1000)
        logger.info("browser closed", extra={**self._fields, "how": how, "duration_ms": duration_ms})

    def _failed_to_close(self, closing: asyncio.Task[None]) -> bool:
        return closing.cancelled() or closing.exception() is not None

    def _driver_lost(self, _: asyncio.Future[None]) -> None:
        self._lost("the browser's driver process ended")

    def _context_lost(self, _: BrowserContext) -> None:
        self._lost("the browser ended by itself or was killed")

    def _lost(self, cause: str) -> None:
        if not self._gone.done():
            self._gone.set_result(cause)
            self._downloads.end(f"the session ended before it was complete: {cause}")


def _ignore(future: asyncio.Future[Any]) -> None:
    """Read the result, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()
