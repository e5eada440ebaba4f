"""What happens in one browser while a run is under way, for its records: console, requests, moving pictures.

Nothing here holds up a page or a run: events are taken as they come, and what fails ends the one record and no more.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import BrowserContext, CDPSession, ConsoleMessage, Error, Request, Response, WebError
from playwright.async_api import Page as Tab

from browser_host.network_log import Exchange
from browser_host.open_browser import RecordSink

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
"""How soon the pictures follow to another tab."""
_CALL_SECONDS = 5.0
_SETTLE_SECONDS = 1.0
_JPEG_QUALITY = 55
_LARGEST = 7680
"""Pixels of a picture: what a viewport may have, so that none is scaled."""


class PlaywrightRecords:
    """The records of one run in one browser."""

    def __init__(self, context: BrowserContext, front: Callable[[], Tab | None], sink: RecordSink) -> None:
        """`front` is the tab in front, None when there is none."""
        self._context = context
        self._front = front
        self._sink = sink
        self._handlers: list[tuple[str, Callable[..., Any]]] = []
        self._exchanges: dict[Request, Exchange] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pictures: asyncio.Task[None] | None = None

    def begin(self, *, console: bool, network: bool, frames_per_second: int) -> None:
        """Begin; without pictures when `frames_per_second` is 0."""
        if console:
            self._on("console", self._console)
            self._on("weberror", self._exception)
        if network:
            self._on("request", self._requested)
            self._on("response", self._answered)
            self._on("requestfinished", self._finished)
            self._on("requestfailed", self._failed)
        if frames_per_second:
            self._pictures = asyncio.create_task(self._picture(frames_per_second))

    def _on(self, event: str, handler: Callable[..., Any]) -> None:
        self._context.on(event, handler)  # type: ignore[call-overload]
        self._handlers.append((event, handler))

    async def end(self) -> None:
        """End all; returns within some seconds, whatever the browser does."""
        for event, handler in self._handlers:
            self._context.remove_listener(event, handler)
        self._handlers.clear()
        pictures, self._pictures = self._pictures, None
        if pictures is not None:
            pictures.cancel()
            await asyncio.wait({pictures}, timeout=_SETTLE_SECONDS)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_SETTLE_SECONDS)
        for task in list(self._tasks):
            task.cancel()

    # Console

    def _console(self, message: ConsoleMessage) -> None:
        place = message.location
        self._sink.console(
            datetime.now(UTC), message.type, message.text, place.get("url", ""), int(place.get("lineNumber", 0)) + 1
        )

    def _exception(self, error: WebError) -> None:
        text = error.error.stack or error.error.message
        self._sink.console(datetime.now(UTC), "exception", text, error.page.url if error.page else "", 0)

    # Requests

    def _requested(self, request: Request) -> None:
        exchange = Exchange(datetime.now(UTC), request.method, request.url, request.headers, request.resource_type)
        if self._sink.requested(exchange):
            self._exchanges[request] = exchange

    def _answered(self, response: Response) -> None:
        exchange = self._exchanges.get(response.request)
        if exchange is not None:
            exchange.status, exchange.status_text = response.status, response.status_text
            exchange.answer_headers = response.headers
            self._sink.answered(exchange)
            self._start(self._versioned(response, exchange))

    def _finished(self, request: Request) -> None:
        exchange = self._exchanges.pop(request, None)
        if exchange is not None:
            self._over(request, exchange)
            self._start(self._measured(request, exchange))

    def _failed(self, request: Request) -> None:
        exchange = self._exchanges.pop(request, None)
        if exchange is not None:
            exchange.failure = request.failure or "it failed"
            self._over(request, exchange)

    def _over(self, request: Request, exchange: Exchange) -> None:
        exchange.ended = True
        timing: Any = request.timing
        exchange.timings = dict(timing)
        now = datetime.now(UTC)
        began = timing.get("startTime", 0)
        if began > 0 and abs(began / 1000 - now.timestamp()) < timedelta(days=1).total_seconds():
            exchange.start = datetime.fromtimestamp(began / 1000, UTC)
        exchange.duration = max((now - exchange.start).total_seconds(), 0.0)

    async def _versioned(self, response: Response, exchange: Exchange) -> None:
        exchange.http_version = await response.http_version()
        address = await response.server_addr()
        if address is not None:
            exchange.server_address = address["ipAddress"]

    async def _measured(self, request: Request, exchange: Exchange) -> None:
        sizes: Any = await request.sizes()
        exchange.sizes = dict(sizes)

    def _start(self, call: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._quiet(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quiet(self, call: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await call
        except (Error, TimeoutError):
            return  # its page has gone; the entry stays without it

    # Pictures

    async def _picture(self, frames_per_second: int) -> None:
        """Follow the tab in front until cancelled."""
        followed: Tab | None = None
        session: CDPSession | None = None
        try:
            while True:
                tab = self._front()
                if tab is not followed:
                    await _detach(session)
                    followed, session = tab, None
                    if tab is not None:
                        session = await self._follow(tab, 1 / frames_per_second)
                        followed = tab if session is not None else None
                await asyncio.sleep(_LOOK_SECONDS)
        except (Error, TimeoutError) as error:
            self._sink.pictures_ended(str(error).splitlines()[0])
        finally:
            if session is not None:
                detaching = asyncio.ensure_future(_detach(session))
                await asyncio.wait({detaching}, timeout=_SETTLE_SECONDS)

    async def _follow(self, tab: Tab, pause: float) -> CDPSession | None:
        """Begin to take a tab's pictures; None when it has gone meanwhile."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                session = await self._context.new_cdp_session(tab)

                def frame(event: dict[str, Any]) -> None:
                    self._sink.frame(base64.b64decode(event["data"]))
                    # The next one comes only after this word, so its delay is the rate.
                    loop.call_later(pause, self._acknowledge, session, event["sessionId"])

                session.on("Page.screencastFrame", frame)
                size = {"maxWidth": _LARGEST, "maxHeight": _LARGEST, "everyNthFrame": 1}
                await session.send("Page.startScreencast", {"format": "jpeg", "quality": _JPEG_QUALITY, **size})
                return session
        except Error:
            return None

    def _acknowledge(self, session: CDPSession, number: int) -> None:
        if self._pictures is not None:
            self._start(_send(session, "Page.screencastFrameAck", {"sessionId": number}))


async def _send(session: CDPSession, method: str, arguments: dict[str, Any]) -> None:
    await session.send(method, arguments)


async def _detach(session: CDPSession | None) -> None:
    if session is None:
        return
    try:
        async with asyncio.timeout(_SETTLE_SECONDS):
            await session.send("Page.stopScreencast")
            await session.detach()
    except (Error, TimeoutError):
        return  # the tab has gone
