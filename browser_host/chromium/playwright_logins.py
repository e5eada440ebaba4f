"""Gives a browser's sites the user and password that they ask for by HTTP, each origin its own and no other.

Over the browser's own DevTools session, so that it holds for every tab, frame, worker and download from its first
request on. Only requests to these origins are held up, and the HTTP cache stays on: Playwright's own way of doing it
intercepts all requests and switches the cache off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, CDPSession, Error

from browser_host.messages import HttpCredential

MOST_ASKED = 1000
"""How many requests are remembered as answered; beyond that all are forgotten, and one that asks again is answered."""


class PlaywrightLogins:
    """The HTTP credentials of one browser; none until it is given some."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._by_origin: dict[str, HttpCredential] = {}
        self._taken_away: set[str] = set()
        """Origins that had credentials: the browser remembers what a site has accepted, and would go on sending it."""
        self._session: CDPSession | None = None
        self._answered: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def give(self, credentials: Sequence[HttpCredential]) -> None:
        """Answer with these from now on, in the place of what was given before; raises Playwright's Error."""
        before = self._taken_away | self._by_origin.keys()
        self._by_origin = {credential.origin: credential for credential in credentials}
        self._taken_away = before - self._by_origin.keys()
        self._answered.clear()
        if self._session is None:
            self._session = await self._open_session()
        patterns = [{"urlPattern": f"{origin}/*"} for origin in sorted(self._by_origin.keys() | self._taken_away)]
        if not patterns:
            await self._session.send("Fetch.disable")
            return
        await self._session.send("Fetch.enable", {"handleAuthRequests": True, "patterns": patterns})

    async def _open_session(self) -> CDPSession:
        browser = self._context.browser
        if browser is None:
            raise Error("the browser has no DevTools session of its own")
        session = await browser.new_browser_cdp_session()
        session.on("Fetch.requestPaused", self._paused)
        session.on("Fetch.authRequired", self._asked)
        return session

    def end(self) -> None:
        """The browser has ended."""
        for task in list(self._tasks):
            task.cancel()

    def _paused(self, event: dict[str, Any]) -> None:
        request_id, request = event["requestId"], event["request"]
        # A request of another tab may have had the same id before.
        self._answered.discard(request_id)
        given: dict[str, str] = request["headers"]
        if _origin(request["url"]) in self._taken_away and "authorization" not in map(str.lower, given):
            # What a request brings itself stands in the place of what the browser remembers; a site that answers it
            # with 401 makes the browser forget.
            headers = [{"name": name, "value": value} for name, value in (*given.items(), ("Authorization", "none"))]
            self._send("Fetch.continueRequest", {"requestId": request_id, "headers": headers})
            return
        self._send("Fetch.continueRequest", {"requestId": request_id})

    def _asked(self, event: dict[str, Any]) -> None:
        request_id, challenge = event["requestId"], event["authChallenge"]
        credential = self._by_origin.get(challenge["origin"])
        # For whom there are none the site's own words are shown.
        answer: dict[str, str] = {"response": "CancelAuth" if challenge["origin"] in self._taken_away else "Default"}
        if credential is not None and challenge.get("source") == "Server":
            if request_id in self._answered:
                # They were refused. The site's own words are shown, as if nobody had any.
                answer = {"response": "CancelAuth"}
            else:
                if len(self._answered) >= MOST_ASKED:
                    self._answered.clear()
                self._answered.add(request_id)
                answer = {
                    "response": "ProvideCredentials",
                    "username": credential.username,
                    "password": credential.password,
                }
        self._send("Fetch.continueWithAuth", {"requestId": request_id, "authChallengeResponse": answer})

    def _send(self, method: str, arguments: dict[str, Any]) -> None:
        if self._session is None:
            return
        task = asyncio.create_task(_send(self._session, method, arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


async def _send(session: CDPSession, method: str, arguments: dict[str, Any]) -> None:
    try:
        await session.send(method, arguments)
    except Error:
        return  # the request, or the browser, has ended meanwhile
