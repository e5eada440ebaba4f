"""Pictures and prints of a session's page for somebody who waits for them."""

from __future__ import annotations

import asyncio

from browser_host.browser import BrowserError, BrowserGone
from browser_host.messages import Picture, Placement
from browser_host.open_browser import OpenBrowser

SECONDS = 10.0
MAX_BYTES = 16 * 2**20


async def capture(browser: OpenBrowser | None, placement: Placement, artifact_id: str, *, pdf: bool) -> Picture:
    """A picture or print of the tab in front as it is now, or why there is none."""
    content, failure = b"", ""
    if browser is None:
        failure = "there is no live browser"
    else:
        try:
            async with asyncio.timeout(SECONDS):
                page = await browser.current_page()
                content = await (page.pdf(timeout=SECONDS) if pdf else page.screenshot(timeout=SECONDS))
        except (BrowserError, BrowserGone) as error:
            failure = str(error) or type(error).__name__
        except TimeoutError:
            failure = f"the page did not answer within {SECONDS:g} s"
    if len(content) > MAX_BYTES:
        failure = f"it has {len(content) >> 20} MiB, more than the {MAX_BYTES >> 20} that are taken"
    elif not content and not failure:
        failure = "the browser gave none"
    return Picture(placement, "", artifact_id, b"" if failure else content, pdf, failure)
