"""A raw CDP connection to a browser that Playwright holds, through Playwright's own pipe.

The browser listens nowhere, and Playwright throws away messages of CDP sessions that it did not make itself. So the
browser's own target is attached to once more in the old way, in which what is said is a text inside of a message: those
texts are a CDP connection like that of the pipe, with sessions of its own. With it everything ends that it turned on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from playwright.async_api import Browser, CDPSession, Error

from browser_host.browser import BrowserGone

OPEN_SECONDS = 5.0
SEND_SECONDS = 10.0
CLOSE_SECONDS = 2.0
MOST_WAITING = 64 * 2**20
"""Characters that may wait for a slow reader. The browser cannot be slowed down: at the bound the connection ends."""


class PlaywrightCdp:
    """One connection; implements `cdp_guest.CdpChannel`."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        self._session_id = ""
        self._waiting: deque[str] = deque()
        self._size = 0
        self._news = asyncio.Event()
        self._end = ""

    @classmethod
    async def open(cls, browser: Browser) -> PlaywrightCdp:
        """Connect.

        Raises:
            BrowserGone: it did not answer.
        """
        session = None
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                session = await browser.new_browser_cdp_session()
                channel = cls(session)
                session.on("Target.receivedMessageFromTarget", channel._received)
                session.on("Target.detachedFromTarget", channel._detached)
                info = await session.send("Target.getTargetInfo")
                target = {"targetId": info["targetInfo"]["targetId"], "flatten": False}
                channel._session_id = (await session.send("Target.attachToTarget", target))["sessionId"]
                return channel
        except (Error, TimeoutError) as error:
            if session is not None:
                await cls(session).close()
            raise BrowserGone(f"the browser took no CDP client: {type(error).__name__}") from None

    async def send(self, text: str) -> None:
        """Say a message to the browser.

        Raises:
            BrowserGone.
        """
        try:
            async with asyncio.timeout(SEND_SECONDS):
                said = {"sessionId": self._session_id, "message": text}
                await self._session.send("Target.sendMessageToTarget", said)
        except (Error, TimeoutError):
            self.end("the browser does not answer")
            raise BrowserGone(self._end) from None

    async def receive(self) -> str:
        """What the browser says next.

        Raises:
            BrowserGone: nothing more comes; the text says why.
        """
        while not self._waiting:
            if self._end:
                raise BrowserGone(self._end)
            self._news.clear()
            await self._news.wait()
        text = self._waiting.popleft()
        self._size -= len(text)
        return text

    def end(self, cause: str) -> None:
        """Nothing more comes from the browser."""
        self._end = self._end or cause
        self._news.set()

    async def close(self) -> None:
        """Disconnect; the browser forgets what the connection turned on. At most 2 seconds."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._session.detach()
        except (Error, TimeoutError):
            pass  # the browser is gone, or stuck; then its session ends too

    def _received(self, event: dict[str, Any]) -> None:
        if event.get("sessionId") != self._session_id or self._end:
            return
        text: str = event["message"]
        self._size += len(text)
        if self._size > MOST_WAITING:
            self._waiting.clear()
            self.end(f"the client reads too slowly: more than {MOST_WAITING >> 20} MiB waited for it")
            return
        self._waiting.append(text)
        self._news.set()

    def _detached(self, event: dict[str, Any]) -> None:
        if event.get("sessionId") == self._session_id:
            self.end("the browser ended the connection")
