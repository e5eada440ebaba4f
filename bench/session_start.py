"""How long it takes from the wish for a browser to a page that is ready in it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from functools import partial

from playwright.async_api import async_playwright

from bench.browsing import executable, new_directory, plain_context, product
from bench.figures import Report, Sample, at_most, interleaved, median
from bench.programs import Workshop
from bench.site import site

AIM = "create to page ready: at most 1.15 times a plain Playwright launch, at 1 and at 4 at once"
_LOADED_SECONDS = 5.0

End = Callable[[], Awaitable[None]]
Start = Callable[[str], Awaitable[End]]
"""Opens a page in a new browser; returns what ends the browser."""


async def measure(workshop: Workshop) -> Report:
    """Compare one start at a time and four at once; all browsers are gone before the next begin."""
    browser = executable()
    report = Report(
        "session_start",
        "CreateBrowserSession with a page, watched until it is RUNNING; control plane and host are up",
        "launch_persistent_context and goto, in one Playwright that is up",
    )
    async with (
        site() as pages,
        workshop.control_plane() as control_plane,
        workshop.browser_host(control_plane, capacity=8),
        product(control_plane) as api,
        async_playwright() as playwright,
    ):

        async def start_ours(url: str) -> End:
            session_id = await api.open_session(url)
            return lambda: api.close_session(session_id)

        async def start_plain(url: str) -> End:
            directory = new_directory(workshop.directory)
            context = await plain_context(playwright, browser, directory.name)
            await context.pages[0].goto(url)

            async def end() -> None:
                await context.close()
                directory.cleanup()

            return end

        visits = (f"visit-{number}" for number in itertools.count())

        async def timed(start: Start) -> tuple[float, End]:
            visit = next(visits)
            url, begin = pages.url(visit), time.monotonic()
            end = await start(url)
            await asyncio.wait_for(pages.loaded[visit].wait(), _LOADED_SECONDS)
            return time.monotonic() - begin, end

        async def at_once(start: Start, count: int) -> Sample:
            started = await asyncio.gather(*(timed(start) for _ in range(count)))
            await asyncio.gather(*(end() for _, end in started))
            latencies = [seconds for seconds, _ in started]
            return Sample(max(latencies), latencies)

        for count, repetitions in ((1, workshop.some(15, 3)), (4, workshop.some(7, 2))):
            pairs = await interleaved(
                repetitions, partial(at_once, start_ours, count), partial(at_once, start_plain, count)
            )
            case = f"{count} at once"
            report.add(case, "create to page ready, median", "ms", pairs, median, aim=at_most(1.15))
            report.add(case, "until the last is ready", "ms", pairs, lambda sample: sample.seconds * 1000)
    report.notes.append(
        "A page is ready when the call has returned and the site itself has heard from the page that it is loaded."
    )
    return report
