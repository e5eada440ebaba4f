"""Where one tab is going: what its events tell of navigations, and of tabs that it opens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from playwright.async_api import Page as Tab

from browser_host.browser import NavigationFailed, PageUnresponsive
from browser_host.chromium.playwright_effects import PlaywrightEffects
from browser_host.chromium.playwright_line import PlaywrightLine

ERROR_PAGE = "chrome-error://"
ANNOUNCED_SECONDS = 1.0
"""How long to wait for a navigation that was announced to begin."""
_BY_ITSELF = frozenset({"metaTagRefresh", "httpHeaderRefresh"})
_BY_HAND = frozenset({"anchorClick", "formSubmissionGet", "formSubmissionPost"})
"""Why a frame goes to another page: what the page does after a while of its own accord, and what a press can do."""


class PlaywrightNavigations:
    """The navigations of one tab's main frame."""

    def __init__(
        self, tab: Tab, line: PlaywrightLine, effects: PlaywrightEffects, replaced: Callable[[], None]
    ) -> None:
        """`replaced` is called when another document has taken the place of the one that was shown."""
        self._line = line
        self._effects = effects
        self._replaced = replaced
        self.main_frame = ""
        self.since = 0.0
        """When the one that is, or was last, under way may have begun."""
        self._error_pages = 0
        self._requested = False
        self._navigating = False
        self._opening = False
        self._moves_by_itself = False
        self._moved = asyncio.Event()
        session = line.session
        tab.context.on("page", self._tab_opened)
        session.on("Page.windowOpen", self._tab_opening)
        session.on("Page.frameRequestedNavigation", self._navigation_requested)
        session.on("Page.frameStartedNavigating", self._navigation_started)
        session.on("Page.frameNavigated", self._frame_navigated)
        session.on("Page.navigatedWithinDocument", self._moved_within_document)
        session.on("Page.domContentEventFired", self._navigation_over)
        session.on("Page.frameStoppedLoading", self._stopped_loading)

    async def learn_main_frame(self, timeout: float) -> None:
        """Ask which frame is the main one now."""
        tree = await self._line.send("Page.getFrameTree", {}, timeout)
        self.main_frame = tree["frameTree"]["frame"]["id"]

    def begin(self) -> int:
        """One begins now; returns what `error_page` needs to know of it."""
        self.since = asyncio.get_running_loop().time()
        return self._error_pages

    async def error_page(self, begun: int) -> None:
        """Wait for the browser's error page, which comes after the error and would interrupt the next navigation."""
        try:
            async with asyncio.timeout(ANNOUNCED_SECONDS):
                while self._error_pages == begun and not self._line.lost:
                    await self._effects.after(self._effects.so_far())
        except TimeoutError:
            pass  # there is none

    async def over(self, timeout: float) -> bool:
        """Wait while one is under way, or a tab that the page opens; whether any was.

        Raises:
            NavigationFailed: it goes on for longer than `timeout` seconds.
        """
        waited = False
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        announced_until = loop.time() + ANNOUNCED_SECONDS
        while self._requested or self._navigating or self._opening:
            waited = True
            limit = end if self._navigating else min(end, announced_until)
            if loop.time() >= limit:
                if self._navigating:
                    raise NavigationFailed(f"the page did not load within {timeout:g} s")
                self._requested = self._opening = False
                break
            self._moved.clear()
            try:
                await self._line.bounded(self._moved.wait(), limit - loop.time())
            except PageUnresponsive:
                continue
        return waited

    def _tab_opening(self, *_: Any) -> None:
        self._opening = True
        self._effects.tell()

    def _tab_opened(self, *_: Any) -> None:
        if self._opening:
            self._opening = False
            self._moved.set()

    def _navigation_requested(self, event: dict[str, Any]) -> None:
        leaves = event["url"].split(":", 1)[0] in ("http", "https", "data", "blob", "about")
        if event["frameId"] == self.main_frame and event["disposition"] == "currentTab" and leaves:
            self._requested = True
            self.since = asyncio.get_running_loop().time() - ANNOUNCED_SECONDS
            self._moves_by_itself = event["reason"] in _BY_ITSELF
            self._document_moves()
        elif event["reason"] in _BY_HAND:
            self._effects.tell()  # a link or form that leads into a frame

    def _document_moves(self) -> None:
        if not self._moves_by_itself:
            self._effects.tell()

    def _navigation_started(self, event: dict[str, Any]) -> None:
        if event["frameId"] == self.main_frame and event["navigationType"] != "sameDocument":
            if not self._requested:
                self.since = asyncio.get_running_loop().time() - ANNOUNCED_SECONDS
            self._requested, self._navigating = True, True
            self._moved.set()
            self._document_moves()

    def _frame_navigated(self, event: dict[str, Any]) -> None:
        if "parentId" not in event["frame"]:
            self.main_frame = event["frame"]["id"]
            self._replaced()
            if event["frame"]["url"].startswith(ERROR_PAGE):
                self._error_pages += 1
            self._document_moves()
            self._moves_by_itself = False

    def _moved_within_document(self, event: dict[str, Any]) -> None:
        if event["frameId"] == self.main_frame:
            self._effects.tell()

    def _stopped_loading(self, event: dict[str, Any]) -> None:
        if event["frameId"] == self.main_frame:
            self._navigation_over()

    def _navigation_over(self, *_: Any) -> None:
        self._requested, self._navigating = False, False
        self._moved.set()
