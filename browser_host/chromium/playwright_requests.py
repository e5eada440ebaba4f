"""What the scripts of a tab ask of servers, from a moment on."""

from __future__ import annotations

import asyncio
from types import TracebackType

from playwright.async_api import Page as Tab
from playwright.async_api import Request, Response

_BEGIN_WITHIN = 0.5
"""Seconds after the start in which a request begins that counts."""
_CHAINED_WITHIN = 0.15
"""Seconds after the last answer in which a request begins that follows from it."""


class PlaywrightRequests:
    """Implements `browser_host.browser.Requests`."""

    def __init__(self, tab: Tab) -> None:
        """Of one tab; its frames count too."""
        self._tab = tab
        self._loop = asyncio.get_running_loop()
        self._counts_until = 0.0
        self._open: set[Request] = set()
        self._handlers = {
            "request": self._begun,
            "response": self._answered,
            "requestfinished": self._over,
            "requestfailed": self._over,
        }
        self.count = 0
        self.refused = False

    def __enter__(self) -> PlaywrightRequests:
        """From here on."""
        self._counts_until = self._loop.time() + _BEGIN_WITHIN
        for event, handler in self._handlers.items():
            self._tab.on(event, handler)  # type: ignore[call-overload]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Until here."""
        for event, handler in self._handlers.items():
            self._tab.remove_listener(event, handler)

    def under_way(self) -> bool:
        """Whether one of them has no answer yet."""
        return bool(self._open)

    def _begun(self, request: Request) -> None:
        if request.resource_type in ("fetch", "xhr") and (self._open or self._loop.time() <= self._counts_until):
            self._open.add(request)
            self.count += 1

    def _answered(self, response: Response) -> None:
        self.refused |= response.request in self._open and response.status >= 400

    def _over(self, request: Request) -> None:
        if request in self._open:
            self._open.remove(request)
            self._counts_until = max(self._counts_until, self._loop.time() + _CHAINED_WITHIN)
