"""The tabs of one browser: which is in front, what opened which, and what takes the place of one that has failed.

The tab in front is the newest one until another is brought there; when it closes, the one that opened it is, else what
was in front before. A tab that crashes, or does not answer any more, is replaced by a new one on the same URL, because
Playwright can never use it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Frame
from playwright.async_api import Page as Tab

from browser_host.browser import Page, PageClosed, PageUnresponsive
from browser_host.chromium.playwright_life import BrowserLife
from browser_host.chromium.playwright_page import AnswerDialog, PlaywrightPage
from browser_host.messages import USUAL_PAGES, PageOptions
from browser_host.network.egress_policy import Refused, check_url
from browser_host.open_browser import Shown
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
_OWN_PAGES = ("chrome-error:", "chrome-extension:", "about:")
"""The browser's own pages that a tab may show: what did not load, an extension's, a new tab's."""
REPLACEMENTS, REPLACEMENT_WINDOW = 3, 60.0
"""A page that crashes more often than this in a minute is not loaded again; a blank tab takes its place."""
MOST_DIALOGS, DIALOG_WINDOW = 20, 10.0
"""A page that shows more dialogs than this within so many seconds is closed: no script of its own can be ended while it
goes on."""
SUSPECT_SECONDS = 3.0
"""How long a tab that has not answered has to do so, twice, before it is replaced."""

OpenPlaywrightPage = Callable[[Tab, AnswerDialog], Coroutine[Any, Any, PlaywrightPage]]


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


class PlaywrightTabs:
    """The tabs that the session's pages and tasks see; those of the host's own are not among them."""

    def __init__(
        self,
        context: BrowserContext,
        life: BrowserLife,
        open_page: OpenPlaywrightPage,
        visited: Callable[[str], None],
    ) -> None:
        """`visited` is told the URL of every document that comes to be shown, in whatever frame."""
        self._context = context
        self._life = life
        self._open = open_page
        self._visited = visited
        self.options: PageOptions = USUAL_PAGES
        self.dialogs = Dialogs()
        self.log = PageLog()
        self.troubles: dict[str, Trouble] = {}
        """What pages have done to the session, by kind."""
        self.changed: Callable[[], None] = lambda: None
        """Called whenever something of this may be other than before."""
        self.fatal_crash: Callable[[str], None] = lambda _: None
        """Called when a page crashes and the options say that this ends the session."""
        self._tabs: list[_OpenTab] = []
        """In the order of their opening."""
        self._recent: list[_OpenTab] = []
        """The same; the one in front last."""
        self._crashes = self._closed_tabs = self._tabs_opened = 0
        self._replaced_at: list[float] = []
        self._replacing: asyncio.Task[None] | None = None
        self._own_tabs_opening = 0
        self._undecided: list[Tab] = []
        """Tabs that opened while one of the host's own was: only then it is known which is which."""

    def watch(self) -> None:
        """Take in the tabs that are there, and from now on each that opens."""
        self._context.on("page", self._tab_opened)
        for tab in self._context.pages:
            self._tab_opened(tab)

    @property
    def in_front(self) -> Tab | None:
        """Playwright's view of the tab in front, if there is any."""
        return self._recent[-1].tab if self._recent else None

    async def current_page(self) -> Page:
        """The tab in front; a new one when none is left.

        Raises:
            BrowserGone.
        """
        while True:
            self._life.refuse_over()
            if self._replacing is not None:
                await self._life.race(asyncio.shield(self._replacing), TAB_SECONDS)
            elif not self._recent:
                await self._life.race(self._context.new_page(), TAB_SECONDS)
            else:
                front = self._recent[-1]
                page: PlaywrightPage | None = await self._life.race(asyncio.shield(front.page), TAB_SECONDS)
                if page is not None and not (page.suspect and not await page.recovered(SUSPECT_SECONDS)):
                    return page
                logger.warning("page does not answer", extra=self._life.fields)
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
        self._life.refuse_over()
        opened = self._tab_of(page_id)
        if opened is not None:
            self._to_front(opened)
            await self._life.race(opened.tab.bring_to_front(), TAB_SECONDS)

    async def open_page(self) -> None:
        """Open a blank tab."""
        self._life.refuse_over()
        if len(self._tabs) >= self.options.max_pages:
            raise PageClosed(f"{len(self._tabs)} tabs are open, which is as many as the session may have (max_pages)")
        await self._life.race(self._context.new_page(), TAB_SECONDS)
        self._life.refuse_over()

    async def close_page(self, page_id: str) -> None:
        """Close a tab."""
        self._life.refuse_over()
        opened = self._tab_of(page_id)
        if opened is None:
            return
        await self._life.race(opened.tab.close(), TAB_SECONDS)
        self._life.refuse_over()
        if opened in self._tabs:
            raise PageUnresponsive(f"tab {page_id} was not closed within {TAB_SECONDS:g} s")

    def _tab_of(self, page_id: str) -> _OpenTab | None:
        return next((opened for opened in self._tabs if opened.page_id == page_id), None)

    def _to_front(self, opened: _OpenTab) -> None:
        self._recent.remove(opened)
        self._recent.append(opened)
        self.changed()

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
            asking = opened.asking_title = self._life.start(opened.tab.title())
        await asyncio.wait({asking}, timeout=TITLE_SECONDS)
        if asking.done():
            if not asking.cancelled() and asking.exception() is None:
                opened.title, opened.titled_url = asking.result(), url
            if opened.asking_title is asking:
                opened.asking_title = None

    async def answers(self, seconds: float) -> bool:
        """Whether its page answers within `seconds`."""
        if self._life.gone.done() or not self._recent:
            return False
        asking = self._life.start(self._recent[-1].tab.evaluate("1"))
        await asyncio.wait({asking}, timeout=seconds)
        return asking.done() and not asking.cancelled() and asking.exception() is None

    @asynccontextmanager
    async def own_tab(self) -> AsyncIterator[Tab]:
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
            self._life.start(tab.close())

    def free_pages(self) -> None:
        """End the scripts that hold pages in endless loops: the session ends, and its state is wanted."""
        for opened in self._tabs:
            if opened.page.done() and not opened.page.cancelled() and opened.page.exception() is None:
                self._life.start(opened.page.result().free())

    def _tab_opened(self, tab: Tab) -> None:
        if any(known.tab is tab for known in self._tabs):
            return
        if self._own_tabs_opening:
            self._undecided.append(tab)
            return
        self._tabs_opened += 1
        opened = _OpenTab(f"page-{self._tabs_opened}", tab)
        # A tab that takes the place of another may be one too many for a moment.
        if len(self._tabs) >= self.options.max_pages + (self._replacing is not None):
            logger.warning("tab closed: too many", extra={**self._life.fields, "tabs": len(self._tabs)})
            self.log.add(PageGone(opened.page_id, CloseCause.TOO_MANY, tab.url[:LONGEST_URL]))
            self._closed_by_host(f"there were more than the {self.options.max_pages} that may be open")
            self._life.start(tab.close())
            return
        answer = partial(self._answer_dialog, opened)
        opened.page = self._life.start(self._open(tab, answer))
        self._tabs.append(opened)
        self._recent.append(opened)
        self._life.start(self._learn_opener(opened))
        tab.on("close", lambda _: self._forget(opened))
        tab.on("crash", lambda _: self._crashed(opened))
        tab.on("framenavigated", self._navigated)
        tab.on("domcontentloaded", lambda _: self.changed())
        self.changed()

    def _navigated(self, frame: Frame) -> None:
        self._visited(frame.url)
        if frame.parent_frame is None:
            self.changed()
        try:
            if not frame.url.startswith(_OWN_PAGES):
                check_url(frame.url)
        except Refused as error:
            # Chromium itself keeps pages from these; whatever found a way is taken back before it is read from.
            logger.warning("page left: its address is not opened", extra={**self._life.fields, "reason": str(error)})
            self._life.start(frame.page.goto("about:blank", timeout=TAB_SECONDS * 1000))

    async def _learn_opener(self, opened: _OpenTab) -> None:
        opener = await opened.tab.opener()
        opened.opener = next((known for known in self._tabs if known.tab is opener), None)
        self.log.add(PageOpened(opened.page_id, opened.opener.page_id if opened.opener is not None else ""))
        self.changed()

    def _forget(self, opened: _OpenTab, replaced_by: str = "") -> None:
        """A tab is not there any more, or is not used any more."""
        if opened not in self._tabs:
            return
        was_in_front = self._recent[-1] is opened
        self._tabs.remove(opened)
        self._recent.remove(opened)
        if was_in_front and opened.opener is not None and opened.opener in self._tabs:
            self._to_front(opened.opener)
        if not self._life.over:
            self.log.add(PageGone(opened.page_id, opened.cause, opened.tab.url[:LONGEST_URL], replaced_by))
        self.changed()

    def _closed_by_host(self, why: str) -> None:
        self._closed_tabs += 1
        many = f"{self._closed_tabs} tabs were closed so far" if self._closed_tabs > 1 else "one tab was closed so far"
        self.troubles["PAGES_CLOSED"] = Trouble("PAGES_CLOSED", f"{many}, the last one because {why}")
        self.changed()

    def _answer_dialog(self, opened: _OpenTab, kind: str, message: str) -> Reply:
        """How to answer a dialog of a tab; one that does not stop showing them is closed."""
        reply, shown = self.dialogs.answer(kind, message, opened.page_id, opened.tab.url)
        self.log.add(shown)
        now = asyncio.get_running_loop().time()
        flood = len(opened.dialogs_at) == MOST_DIALOGS and now - opened.dialogs_at[0] < DIALOG_WINDOW
        opened.dialogs_at.append(now)
        if flood and opened in self._tabs and opened.cause is not CloseCause.DIALOG_FLOOD:
            logger.warning("tab closed: too many dialogs", extra=self._life.fields)
            opened.cause = CloseCause.DIALOG_FLOOD
            self._closed_by_host(f"it showed more than {MOST_DIALOGS} dialogs within {DIALOG_WINDOW:g} s")
            self._life.start(opened.tab.close())
        return reply

    def _crashed(self, opened: _OpenTab) -> None:
        if opened not in self._tabs:
            return
        logger.warning("page crashed", extra=self._life.fields)
        self._crashes += 1
        if self.options.crash_ends_session:
            opened.cause = CloseCause.CRASHED
            self._forget(opened)
            self.fatal_crash(f"the process of a page of {_site(opened.tab.url)} crashed")
            return
        self._failed(opened, CloseCause.CRASHED)

    def _failed(self, opened: _OpenTab, cause: CloseCause) -> None:
        """A tab cannot be used any more: put another one in its place."""
        if opened not in self._tabs:
            return
        opened.cause = cause
        if self._life.over or self._replacing is not None:
            self._forget(opened)
            self._life.start(opened.tab.close())
            return
        before = self._recent[-1]
        self._replacing = self._life.start(self._replace(opened, None if before is opened else before))

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
            self._life.start(failed.tab.close())
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
            self.troubles["PAGE_CRASHED"] = Trouble("PAGE_CRASHED", message)
            self.changed()
        else:
            self._closed_by_host(f"a page of {_site(failed.tab.url)} did not answer; it {became}")


def _site(url: str) -> str:
    """Where a page is from, without what may be secret in its URL."""
    return urlsplit(url).hostname or url.partition(":")[0] + ":"
