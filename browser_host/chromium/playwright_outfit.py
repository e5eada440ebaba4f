"""What a browser gets before its session has it: the state of its profile, its page options, its first page."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit

from playwright.async_api import Error

from browser_host.browser import BrowserError
from browser_host.chromium.launch_failures import words
from browser_host.chromium.playwright_browser import PlaywrightBrowser
from browser_host.messages import PageOptions
from browser_host.open_browser import LaunchFailed, LaunchRequest

logger = logging.getLogger(__name__)

FIRST_PAGE_SECONDS = 10.0
"""How long a launch waits for its first page; a slower one goes on loading in a browser that counts as up."""
_BROKEN_OFF = ("ERR_ABORTED", "Download is starting")
"""What Playwright says of a navigation that became a download; an answer without content is told so, too."""
_DOWNLOAD_SECONDS = 0.5
"""How long the browser may take then to tell of the download: closed before, the session would know of none."""


async def restore(browser: PlaywrightBrowser, state: bytes, seconds: float) -> None:
    """Put a state into a browser that runs.

    Raises:
        LaunchFailed: it did not take it whole, or not in time.
    """
    try:
        async with asyncio.timeout(seconds):
            await browser.restore_state(state)
    except TimeoutError:
        raise LaunchFailed(f"{browser.version} did not take the state of its profile in time") from None
    except Error:
        raise LaunchFailed(f"{browser.version} ended while it took the state of its profile") from None


async def set_page_options(browser: PlaywrightBrowser, options: PageOptions) -> None:
    """Have the browser deal with its tabs and dialogs as the session wants it.

    Raises:
        LaunchFailed.
    """
    try:
        await browser.set_page_options(options)
    except Error as error:
        raise LaunchFailed(f"{browser.version} did not take the session's page options: {words(error)}") from None
    except TimeoutError:
        raise LaunchFailed(f"{browser.version} did not take the session's page options in time") from None


async def open_first_page(browser: PlaywrightBrowser, request: LaunchRequest, seconds: float) -> None:
    """Go to the session's URL, for which there are `seconds` at most; not getting there is no failure."""
    try:
        page = await browser.current_page()
        await page.goto(request.url, timeout=min(FIRST_PAGE_SECONDS, seconds))
    except BrowserError as error:
        # The page shows it; a session whose first page does not load is a live browser all the same.
        # "net::ERR_… at <url>": a URL may hold secrets in its query.
        reason = words(error).partition(" at ")[0]
        fields = {"browser_session_id": request.placement.browser_session_id, "reason": reason}
        logger.warning("first page not loaded", extra={**fields, "site": urlsplit(request.url).hostname})
        if any(sign in reason for sign in _BROKEN_OFF):
            await browser.heard_of_download(_DOWNLOAD_SECONDS)
