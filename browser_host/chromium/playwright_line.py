"""The line to one tab: every wait on it ends, with an answer, with the loss of the tab or when its time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from playwright.async_api import CDPSession, Error
from playwright.async_api import Page as Tab

from browser_host.browser import BrowserError, BrowserGone, PageClosed, PageCrashed, PageUnresponsive
from browser_host.chromium.playwright_effects import PlaywrightEffects

_CLOSE_GRACE = 0.3
"""Seconds within which a lost tab turns out to be a lost browser."""

T = TypeVar("T")


class PlaywrightLine:
    """A DevTools session of a tab, and whether the tab is still there."""

    def __init__(self, tab: Tab, session: CDPSession, effects: PlaywrightEffects) -> None:
        """The loss of the tab is an effect."""
        self.session = session
        self._effects = effects
        self._lost: asyncio.Future[BrowserError] = asyncio.get_running_loop().create_future()
        self._context_closed = asyncio.Event()
        tab.on("crash", lambda *_: self._lose(PageCrashed("the page's process has crashed")))
        tab.on("close", lambda *_: self._lose(PageClosed("the tab was closed")))
        tab.context.on("close", lambda *_: self._context_closed.set())

    @property
    def lost(self) -> bool:
        """The tab is gone."""
        return self._lost.done()

    def _lose(self, why: BrowserError) -> None:
        if not self._lost.done():
            self._lost.set_result(why)
        self._effects.tell()

    async def send(self, method: str, arguments: dict[str, Any], timeout: float) -> Any:
        """Make a call; what it may raise is as for `bounded`."""
        return await self.bounded(self.session.send(method, arguments), timeout)

    async def bounded(self, call: Coroutine[Any, Any, T], timeout: float) -> T:
        """Await `call` until it answers, the tab is lost or the time is over.

        Raises:
            PageUnresponsive: the time is over.
            PageClosed, PageCrashed, BrowserGone: the tab is lost.
            Error: Playwright's, any other failure.
        """
        calling = asyncio.ensure_future(call)
        waited_for: set[asyncio.Future[Any]] = {calling, self._lost}
        try:
            await asyncio.wait(waited_for, timeout=max(timeout, 0), return_when=asyncio.FIRST_COMPLETED)
            if calling.done():
                return calling.result()
            if self._lost.done():
                raise await self.why_lost()
            raise PageUnresponsive(f"the page did not answer within {timeout:.3g} s")
        except Error as error:
            if _target_lost(error):
                raise await self.why_lost() from None
            raise
        finally:
            if not calling.done():
                calling.cancel()
            elif not calling.cancelled():
                calling.exception()  # read, so that asyncio does not complain when this call was itself cancelled

    async def why_lost(self) -> BrowserError:
        """Tell a closed tab from a browser that is gone: the latter is seen a moment later."""
        if self._lost.done() and isinstance(self._lost.result(), PageCrashed):
            return self._lost.result()
        try:
            async with asyncio.timeout(_CLOSE_GRACE):
                await self._context_closed.wait()
        except TimeoutError:
            return self._lost.result() if self._lost.done() else PageClosed("the tab was closed")
        return BrowserGone("the browser has ended")


def _target_lost(error: Error) -> bool:
    return type(error).__name__ == "TargetClosedError" or "Target crashed" in error.message
