"""One Chromium for one session: its tabs, its end. Implements `open_browser.OpenBrowser`.

The tab in front is the newest one until another is brought there; when it closes, the one that opened it is, else what
was in front before. A tab that crashes, or does not answer any more, is replaced by a new one on the same URL, because
Playwright can never use it again. Every wait for the browser is bounded; what a page does can hold up its own calls,
never the host.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Error, Frame
from playwright.async_api import Page as Tab

from browser_host.browser import BrowserError, BrowserGone, Page, PageClosed, PageUnresponsive
from browser_host.chromium.playwright_cdp import PlaywrightCdp
from browser_host.chromium.playwright_downloads import PlaywrightDownloads
from browser_host.chromium.playwright_driver import Driver
from browser_host.chromium.playwright_logins import PlaywrightLogins
from browser_host.chromium.playwright_page import PlaywrightPage
from browser_host.chromium.playwright_records import PlaywrightRecords
from browser_host.chromium.playwright_state import BrowserState
from browser_host.file_shelf import FileShelf
from browser_host.kernel import cgroups, processes, session_directory
from browser_host.kernel.cgroups import BrowserCgroups
from browser_host.kernel.isolation import Isolation
from browser_host.messages import USUAL_PAGES, Network, PageOptions
from browser_host.network.egress import Egress
from browser_host.network.egress_policy import Refused, check_url
from browser_host.open_browser import Download, RecordSink, Shown, StateNotTaken, StopRecords
from browser_host.pages import (
    LONGEST_TITLE,
    LONGEST_URL,
    CloseCause,
    Dialogs,
    OpenPage,
    PageGone,
    PageLog,
    PageOpened,
    Reply,
    Trouble,
)

logger = logging.getLogger(__name__)

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
MOST_DIALOGS, DIALOG_WINDOW = 20, 10.0
"""A page that shows more dialogs than this within so many seconds is closed: no script of its own can be ended while it
goes on."""
OPTIONS_SECONDS = 5.0
"""How long a browser may take to grant permissions and the like."""
SUSPECT_SECONDS = 3.0
"""How long a tab that has not answered has to do so, twice, before it is replaced."""


@dataclass(slots=True, eq=False)
class _OpenTab:
    page_id: str
    tab: Tab
    page: asyncio.Task[PlaywrightPage] = field(init=False)
    title: str = ""
    titled_url: str = ""
    """At which it had that title."""
    asking_title: asyncio.Task[str] | None = None
    opener: _OpenTab | None = None
    cause: CloseCause = CloseCause.CLOSED
    """Why it closes, if it does."""
    dialogs_at: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_DIALOGS))


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
        isolation: Isolation,
        everywhere: Sequence[str],
        egress: Egress,
        version: str,
        launch_time: float,
        downloads: PlaywrightDownloads,
        released: Callable[[], None],
        fields: dict[str, object],
    ) -> None:
        """`pid` is of the main process, which leads a process group; `released` is called after the end.

        `user` is the number of the user that only this browser runs as, 0 if it is the host's own. Pages of every
        origin have the permissions `everywhere` from its start.
        """
        self._context = context
        self._driver = driver
        self._pid = pid
        self._directory = directory
        self._shelf = FileShelf(directory / session_directory.READ_BY_BROWSER, user)
        self._cgroups = cgroups
        self._user = user
        self._isolation = isolation
        self._everywhere = everywhere
        self._warm_start = False
        self._egress = egress
        self._version = version
        self._launch_time = launch_time
        self._released = released
        self._fields = fields
        self.dialogs = Dialogs()
        self.page_log = PageLog()
        self._options = USUAL_PAGES
        self._taken_options: PageOptions | None = USUAL_PAGES
        """As far as the browser itself has to do with them; None while it is being told, and when it did not take them
        all."""
        self._setting_options = asyncio.Lock()
        self._logins = PlaywrightLogins(context)
        self._fatal_crash: Callable[[str], None] = lambda _: None
        self._troubles: dict[str, Trouble] = {}
        self._crashes = self._closed_tabs = self._tabs_opened = 0
        self._tabs: list[_OpenTab] = []
        """In the order of their opening."""
        self._recent: list[_OpenTab] = []
        """The same; the one in front last."""
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

    @property
    def isolation(self) -> Isolation:
        """How apart it is."""
        return self._isolation

    @property
    def warm_start(self) -> bool:
        """It was started before the session asked for one."""
        return self._warm_start

    def claimed(self, launch_time: float, fields: dict[str, object]) -> None:
        """A session has it from now on: its time counts from `launch_time`, and the log names it by `fields`."""
        self._warm_start = True
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

    async def set_page_options(self, options: PageOptions) -> None:
        """Deal with its tabs and dialogs like this from now on.

        Raises:
            Error: Playwright's, it did not take the permissions or credentials.
            TimeoutError: it did not take them in time.
        """
        self._options = options
        self.dialogs.accept_by_default = options.accept_dialogs
        async with self._setting_options, asyncio.timeout(OPTIONS_SECONDS):
            before, self._taken_options = self._taken_options, None
            if before is None or options.permissions != before.permissions:
                await self._set_permissions(options, anew=before is None or before.permissions != ())
            if before is None or options.http_credentials != before.http_credentials:
                await self._logins.give(options.http_credentials)
            self._taken_options = options

    async def _set_permissions(self, options: PageOptions, *, anew: bool) -> None:
        if anew:
            await self._context.clear_permissions()
            await self._state.restore_permissions()
            if self._everywhere:
                await self._context.grant_permissions(self._everywhere)
        granted = {""} | {grant.origin for grant in options.permissions} if options.permissions else set()
        for origin in sorted(granted):
            # What is granted to one origin replaces for it what all have.
            names = [grant.permission for grant in options.permissions if grant.origin in ("", origin)]
            await self._context.grant_permissions([*self._everywhere, *names], origin=origin or None)

    def change_page_options(self, options: PageOptions) -> None:
        """Deal with its tabs and dialogs like this from now on; what it does not take becomes one of its troubles."""
        self._start(self._change_page_options(options))

    async def _change_page_options(self, options: PageOptions) -> None:
        kind = "PAGE_OPTIONS_NOT_TAKEN"
        self._troubles.pop(kind, None)
        try:
            await self.set_page_options(options)
        except (Error, TimeoutError) as error:
            why = str(error).partition("\n")[0] or f"it did not answer within {OPTIONS_SECONDS:g} s"
            logger.warning("page options not taken", extra={**self._fields, "reason": why})
            self._troubles[kind] = Trouble(kind, f"the browser did not take permissions or HTTP credentials: {why}")
        self._changed()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` on every change of what it shows."""
        self._changed = callback

    def on_fatal_crash(self, callback: Callable[[str], None]) -> None:
        """Call `callback` when a page crashes and that is to end the session."""
        self._fatal_crash = callback

    def troubles(self) -> tuple[Trouble, ...]:
        """What its pages have done to the session."""
        return tuple(self._troubles.values())

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
            elif not self._recent:
                await self._race(self._context.new_page())
            else:
                front = self._recent[-1]
                page: PlaywrightPage | None = await self._race(asyncio.shield(front.page))
                if page is not None and not (page.suspect and not await page.recovered(SUSPECT_SECONDS)):
                    return page
                logger.warning("page does not answer", extra=self._fields)
                self._failed(front, CloseCause.UNRESPONSIVE)

    async def pages(self) -> list[OpenPage]:
        """The open tabs."""
        tabs = list(self._tabs)
        # Of a tab in the background only a navigation is noticed; what is in front is asked each time.
        wanted = [
            asyncio.create_task(self._ask_title(opened))
            for opened in tabs
            if opened.tab.url != opened.titled_url or opened is self._recent[-1]
        ]
        if wanted:
            await asyncio.wait(wanted)
        return [
            OpenPage(
                opened.page_id,
                opened.tab.url[:LONGEST_URL],
                opened.title[:LONGEST_TITLE],
                opened.opener.page_id if opened.opener in self._tabs and opened.opener is not None else "",
                len(self._recent) - 1 - self._recent.index(opened),
            )
            for opened in tabs
            if opened in self._tabs
        ]

    async def show_page(self, page_id: str) -> None:
        """Bring a tab to the front."""
        self._refuse_gone()
        opened = self._tab_of(page_id)
        if opened is not None:
            self._to_front(opened)
            await self._race(opened.tab.bring_to_front())

    async def open_page(self) -> None:
        """Open a blank tab."""
        self._refuse_gone()
        if len(self._tabs) >= self._options.max_pages:
            raise PageClosed(f"{len(self._tabs)} tabs are open, which is as many as the session may have (max_pages)")
        await self._race(self._context.new_page())
        self._refuse_gone()

    async def close_page(self, page_id: str) -> None:
        """Close a tab."""
        self._refuse_gone()
        opened = self._tab_of(page_id)
        if opened is None:
            return
        await self._race(opened.tab.close())
        self._refuse_gone()
        if opened in self._tabs:
            raise PageUnresponsive(f"tab {page_id} was not closed within {TAB_SECONDS:g} s")

    def _tab_of(self, page_id: str) -> _OpenTab | None:
        return next((opened for opened in self._tabs if opened.page_id == page_id), None)

    def _refuse_gone(self) -> None:
        if self._gone.done() or self._closing is not None:
            raise BrowserGone(self._gone.result() if self._gone.done() else "the browser is being closed")

    def _to_front(self, opened: _OpenTab) -> None:
        self._recent.remove(opened)
        self._recent.append(opened)
        self._changed()

    def on_download(self, begun: Callable[[Download], None]) -> None:
        """Call `begun` for every download, those from before this call first."""
        self._downloads.on_download(begun)

    async def heard_of_download(self, seconds: float) -> None:
        """Return when a download has begun, or after so long."""
        await self._downloads.heard_of(seconds)

    async def record(self, sink: RecordSink, *, console: bool, network: bool, frames_per_second: int) -> StopRecords:
        """Tell `sink` what happens."""
        records = PlaywrightRecords(self._context, lambda: self._recent[-1].tab if self._recent else None, sink)
        records.begin(console=console, network=network, frames_per_second=frames_per_second)
        return records.end

    async def shown(self) -> Shown:
        """What the tab in front shows; the title as last known when the page does not answer within a second."""
        if not self._recent:
            return Shown("about:blank", "", 0)
        front = self._recent[-1]
        await self._ask_title(front)
        return Shown(front.tab.url, front.title, len(self._tabs))

    async def _ask_title(self, opened: _OpenTab) -> None:
        """Learn a tab's title, within a second."""
        url = opened.tab.url
        asking = opened.asking_title
        if asking is None:
            # One question at a time: a page that hangs would otherwise pile them up in the driver.
            asking = opened.asking_title = self._start(opened.tab.title())
        await asyncio.wait({asking}, timeout=TITLE_SECONDS)
        if asking.done():
            if not asking.cancelled() and asking.exception() is None:
                opened.title, opened.titled_url = asking.result(), url
            if opened.asking_title is asking:
                opened.asking_title = None

    async def answers(self, seconds: float) -> bool:
        """Whether its page answers within `seconds`."""
        if self._gone.done() or not self._recent:
            return False
        asking = self._start(self._recent[-1].tab.evaluate("1"))
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
        self._tabs_opened += 1
        opened = _OpenTab(f"page-{self._tabs_opened}", tab)
        # A tab that takes the place of another may be one too many for a moment.
        if len(self._tabs) >= self._options.max_pages + (self._replacing is not None):
            logger.warning("tab closed: too many", extra={**self._fields, "tabs": len(self._tabs)})
            self.page_log.add(PageGone(opened.page_id, CloseCause.TOO_MANY, tab.url[:LONGEST_URL]))
            self._closed_by_host(f"there were more than the {self._options.max_pages} that may be open")
            self._start(tab.close())
            return
        answer = partial(self._answer_dialog, opened)
        opened.page = self._start(PlaywrightPage.open(tab, self._egress, answer, self._shelf))
        self._tabs.append(opened)
        self._recent.append(opened)
        self._start(self._learn_opener(opened))
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

    async def _learn_opener(self, opened: _OpenTab) -> None:
        opener = await opened.tab.opener()
        opened.opener = next((known for known in self._tabs if known.tab is opener), None)
        self.page_log.add(PageOpened(opened.page_id, opened.opener.page_id if opened.opener is not None else ""))
        self._changed()

    def _forget(self, opened: _OpenTab, replaced_by: str = "") -> None:
        """A tab is not there any more, or is not used any more."""
        if opened not in self._tabs:
            return
        was_in_front = self._recent[-1] is opened
        self._tabs.remove(opened)
        self._recent.remove(opened)
        if was_in_front and opened.opener is not None and opened.opener in self._tabs:
            self._to_front(opened.opener)
        if self._closing is None and not self._gone.done():
            self.page_log.add(PageGone(opened.page_id, opened.cause, opened.tab.url[:LONGEST_URL], replaced_by))
        self._changed()

    def _closed_by_host(self, why: str) -> None:
        self._closed_tabs += 1
        many = f"{self._closed_tabs} tabs were closed so far" if self._closed_tabs > 1 else "one tab was closed so far"
        self._troubles["PAGES_CLOSED"] = Trouble("PAGES_CLOSED", f"{many}, the last one because {why}")
        self._changed()

    def _answer_dialog(self, opened: _OpenTab, kind: str, message: str) -> Reply:
        """How to answer a dialog of a tab; one that does not stop showing them is closed."""
        reply, shown = self.dialogs.answer(kind, message, opened.page_id, opened.tab.url)
        self.page_log.add(shown)
        now = asyncio.get_running_loop().time()
        flood = len(opened.dialogs_at) == MOST_DIALOGS and now - opened.dialogs_at[0] < DIALOG_WINDOW
        opened.dialogs_at.append(now)
        if flood and opened in self._tabs and opened.cause is not CloseCause.DIALOG_FLOOD:
            logger.warning("tab closed: too many dialogs", extra=self._fields)
            opened.cause = CloseCause.DIALOG_FLOOD
            self._closed_by_host(f"it showed more than {MOST_DIALOGS} dialogs within {DIALOG_WINDOW:g} s")
            self._start(opened.tab.close())
        return reply

    def _crashed(self, opened: _OpenTab) -> None:
        if opened not in self._tabs:
            return
        logger.warning("page crashed", extra=self._fields)
        self._crashes += 1
        if self._options.crash_ends_session:
            opened.cause = CloseCause.CRASHED
            self._forget(opened)
            self._fatal_crash(f"the process of a page of {_site(opened.tab.url)} crashed")
            return
        self._failed(opened, CloseCause.CRASHED)

    def _failed(self, opened: _OpenTab, cause: CloseCause) -> None:
        """A tab cannot be used any more: put another one in its place."""
        if opened not in self._tabs:
            return
        opened.cause = cause
        if self._closing is not None or self._gone.done() or self._replacing is not None:
            self._forget(opened)
            self._start(opened.tab.close())
            return
        before = self._recent[-1]
        self._replacing = self._start(self._replace(opened, None if before is opened else before))

    async def _replace(self, failed: _OpenTab, in_front: _OpenTab | None) -> None:
        """Put a new tab on the same URL in the place of one that failed; `in_front` stays in front, else it is."""
        url, new = failed.tab.url, None
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(TAB_SECONDS):
                tab = await self._context.new_page()
            new = next((opened for opened in self._tabs if opened.tab is tab), None)
            if new is not None:
                # What it opened comes back to this one.
                new.opener = failed.opener
                for opened in self._tabs:
                    if opened.opener is failed:
                        opened.opener = new
        finally:
            failed.opener = None
            self._forget(failed, new.page_id if new is not None else "")
            if in_front is not None and in_front in self._tabs:
                self._to_front(in_front)
            self._replacing = None
            self._start(failed.tab.close())
            self._replaced_at = [at for at in self._replaced_at if now - at < REPLACEMENT_WINDOW]
            seldom = len(self._replaced_at) < REPLACEMENTS
            again = new is not None and seldom and url.startswith(("http://", "https://"))
            self._tell_replaced(failed, again)
        if again:
            self._replaced_at.append(now)
            await tab.goto(url, timeout=TAB_SECONDS * 1000, wait_until="commit")

    def _tell_replaced(self, failed: _OpenTab, again: bool) -> None:
        became = "was loaded again" if again else "was replaced by an empty one"
        if failed.cause is CloseCause.CRASHED:
            often = "crashed" if self._crashes == 1 else f"crashed, the {self._crashes}th time in this session"
            message = f"the process of a page of {_site(failed.tab.url)} {often}; the page {became}"
            self._troubles["PAGE_CRASHED"] = Trouble("PAGE_CRASHED", message)
            self._changed()
        else:
            self._closed_by_host(f"a page of {_site(failed.tab.url)} did not answer; it {became}")

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
        self._logins.end()
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


def _site(url: str) -> str:
    """Where a page is from, without what may be secret in its URL."""
    return urlsplit(url).hostname or url.partition(":")[0] + ":"


def _ignore(future: asyncio.Future[Any]) -> None:
    """Read the result, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()
