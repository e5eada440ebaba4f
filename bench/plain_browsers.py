"""A floor, a process of its own: Playwright's own launch_persistent_context, nothing added.

Requests: {"open": n} opens so many at once and answers how long each took until its page answered; {"close": true} ends
all that are open.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.async_api import Playwright, async_playwright

from bench import json_lines
from bench.browsing import executable, new_directory, plain_context


async def main() -> None:
    """Serve until the end; the argument is where the browsers' directories are."""
    root, browser = Path(sys.argv[1]), executable()
    async with async_playwright() as playwright, AsyncExitStack() as opened:
        json_lines.say(ready=True)
        async for request in json_lines.requests():
            seconds: list[float] = []
            if count := request.get("open"):
                seconds = await asyncio.gather(*(_open(playwright, browser, root, opened) for _ in range(count)))
            else:
                await opened.aclose()
            json_lines.say(seconds=seconds)


async def _open(playwright: Playwright, browser: Path, root: Path, opened: AsyncExitStack) -> float:
    began = time.monotonic()
    directory = new_directory(root)
    context = await plain_context(playwright, browser, directory.name)
    assert await context.pages[0].evaluate("1 + 1") == 2
    seconds = time.monotonic() - began
    opened.callback(directory.cleanup)
    opened.push_async_callback(context.close)
    return seconds


if __name__ == "__main__":
    json_lines.run(main())
