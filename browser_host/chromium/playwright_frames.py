"""The frames of one tab that scripts of its page cannot reach: of other origins, in its process or in one of their own.

A frame keeps its id while its document and even its process change, so a frame that was found once is found again. Only
what has a process of its own needs a DevTools session of its own; sessions are opened when a frame is first asked.
"""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import CDPSession, Error
from playwright.async_api import Frame as TabFrame
from playwright.async_api import Page as Tab

from browser_host.browser import BrowserError, Document, DocumentReplaced, PageUnresponsive
from browser_host.chromium import playwright_scripts
from browser_host.chromium.playwright_scripts import document_replaced

MOST_FRAMES = 20
"""Frames of one page that are looked into."""
_BETWEEN_DOCUMENTS = 0.05


class PlaywrightFrames:
    """The frames of one tab."""

    def __init__(self, tab: Tab, session: CDPSession) -> None:
        """`session` is that of the tab's own process."""
        self._tab = tab
        self._own = session
        self._sessions: dict[TabFrame, CDPSession] = {}
        self._known: dict[str, PlaywrightFrame] = {}
        self._count = 0
        tab.on("framedetached", self._detached)

    def _detached(self, frame: TabFrame) -> None:
        self._sessions.pop(frame, None)

    async def inside(self, parent: Document, world: int, session: CDPSession, function: str) -> list[PlaywrightFrame]:
        """The frames whose elements `function` brings as an array, in its order.

        Raises:
            DocumentReplaced.
        """
        try:
            handles = (await playwright_scripts.nodes(session.send, function, world))[:MOST_FRAMES]
            nodes = await asyncio.gather(*(session.send("DOM.describeNode", {"objectId": one}) for one in handles))
            await session.send("Runtime.releaseObjectGroup", {"objectGroup": playwright_scripts.HANDLES})
        except (Error, KeyError) as error:
            raise DocumentReplaced(str(error)) from None
        frames = []
        for node in nodes:
            frame_id = str(node["node"].get("frameId", ""))
            if frame_id not in self._known:
                self._count += 1
                self._known[frame_id] = PlaywrightFrame(self, frame_id, self._count, session)
            frame = self._known[frame_id]
            frame.parent = parent
            frames.append(frame)
        return frames

    async def world(self, frame: PlaywrightFrame) -> int:
        """Make the isolated world of a frame's document, in whatever process that is now.

        Raises:
            DocumentReplaced: there is no such frame any more.
        """
        tried: set[CDPSession] = set()
        for session in (frame.session, self._own, *self._sessions.values()):
            if session not in tried and (world := await self._world_in(session, frame)) is not None:
                return world
            tried.add(session)
        for tab_frame in self._tab.frames[1:]:
            if tab_frame in self._sessions:
                if await self._answers(self._sessions[tab_frame]):
                    continue
                del self._sessions[tab_frame]
            try:
                session = await self._tab.context.new_cdp_session(tab_frame)
            except Error:
                continue  # it shares its parent's process
            self._sessions[tab_frame] = session
            if (world := await self._world_in(session, frame)) is not None:
                return world
        raise DocumentReplaced("the frame is gone")

    async def _world_in(self, session: CDPSession, frame: PlaywrightFrame) -> int | None:
        try:
            wanted = {"frameId": frame.frame_id, "worldName": playwright_scripts.WORLD}
            made = await session.send("Page.createIsolatedWorld", wanted)
        except Error:
            return None
        frame.session = session
        return int(made["executionContextId"])

    async def _answers(self, session: CDPSession) -> bool:
        try:
            await session.send("Page.getFrameTree")
        except Error:
            return False
        return True


class PlaywrightFrame:
    """A `browser_host.browser.Frame`."""

    def __init__(self, frames: PlaywrightFrames, frame_id: str, number: int, session: CDPSession) -> None:
        """Not asked yet; `session` is where it is looked for first."""
        self.frame_id = frame_id
        self.number = number
        self.session = session
        self.parent: Document
        self._frames = frames
        self._world: int | None = None

    async def evaluate(self, function: str, argument: Any = None, *, timeout: float) -> Any:
        """Call a function in the frame's isolated world."""
        try:
            async with asyncio.timeout(timeout):
                return await self._evaluate(function, argument)
        except TimeoutError:
            raise PageUnresponsive(f"a frame did not answer within {timeout:.3g} s") from None

    async def _evaluate(self, function: str, argument: Any) -> Any:
        for _ in range(3):
            if self._world is None:
                self._world = await self._frames.world(self)
            call = playwright_scripts.call(function, argument, self._world)
            try:
                answer = await self.session.send("Runtime.callFunctionOn", call)
            except Error as error:
                self._world = None
                if playwright_scripts.never_ran(error):
                    continue
                raise document_replaced(error) from None
            return playwright_scripts.result(answer)
        raise DocumentReplaced("the frame keeps moving to other documents")

    async def loaded(self, *, timeout: float) -> bool:
        """Let a frame between two documents go on; nothing tells when the next one is ready."""
        await asyncio.sleep(min(_BETWEEN_DOCUMENTS, timeout))
        return False

    async def frames(self, function: str, *, timeout: float) -> list[PlaywrightFrame]:
        """The frames in it."""
        try:
            async with asyncio.timeout(timeout):
                if self._world is None:
                    self._world = await self._frames.world(self)
                return await self._frames.inside(self, self._world, self.session, function)
        except (TimeoutError, BrowserError):
            return []

    async def listens(self, function: str, *, timeout: float) -> bool:
        """It cannot be told cheaply, so it is taken to be so."""
        return True

    async def hand_listeners(self, function: str, *, timeout: float) -> None:
        """Like `listens`, it cannot be told cheaply: none are."""
