"""What a model is told of a page, and how long looking takes, beside Playwright's own snapshot for models."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from playwright.async_api import Page, async_playwright

from bench.browsing import executable, new_directory, plain_context
from bench.figures import Report, Row, Sample, at_most, interleaved, median
from bench.observed_pages import PAGES
from bench.programs import Workshop
from browser_host.chromium.playwright_page import PlaywrightPage
from browser_host.task import page_script
from browser_host.task.by_model.observation import Observation, observe
from browser_host.task.survey import Survey
from browser_host.task.workspace import note_listeners

AIM = "5 to 20 times smaller than the snapshot, and under 100 ms at 2,000 elements"
_CHANGE = """() => { const p = document.createElement('p'); p.setAttribute('role', 'status'); p.textContent = 'Saved';
 document.body.append(p); const b = document.createElement('button'); b.textContent = 'Undo'; p.append(b); }"""
_PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
T = TypeVar("T")
_TOKEN = 4
"""Characters that are counted as one token, as everywhere in this project."""


async def measure(workshop: Workshop) -> Report:
    """Compare sizes and times on each page."""
    report = Report(
        "observation",
        "the list of what can be acted on and the text in part, as the model planner is told it",
        'aria_snapshot(mode="ai") of the same page, with references',
    )
    async with async_playwright() as playwright:
        with new_directory(workshop.directory) as directory:
            context = await plain_context(playwright, executable(), directory)
            try:
                page = await PlaywrightPage.open(context.pages[0])
                for name, make in PAGES.items():
                    await _page(report, name, make(), context.pages[0], page, workshop.some(15, 4))
            finally:
                await context.close()
    report.notes.append(
        "Sizes are tokens at 4 characters each. The list names at most 250 elements and tells how many more there are; "
        '"all elements" has no such bound and no text. A difference is what is told after a message and a button came.'
    )
    return report


async def _page(report: Report, case: str, html: str, tab: Page, page: PlaywrightPage, repetitions: int) -> None:
    sizes: dict[str, float] = {}

    async def fresh() -> None:
        await tab.goto("about:blank")
        await tab.set_content(html)
        await tab.evaluate(_PAINTED)

    async def ours(*, first: bool) -> Sample:
        if first:
            await fresh()
        seen, seconds = await _timed(lambda: _look(page))
        sizes["first"] = len(seen.words) / _TOKEN
        sizes["all"] = len("\n".join(seen.lines)) / _TOKEN
        return Sample(seconds, [seconds])

    async def snapshot(*, first: bool) -> Sample:
        if first:
            await fresh()
        shown, seconds = await _timed(lambda: tab.locator("body").aria_snapshot(mode="ai"))
        sizes["snapshot"] = len(shown) / _TOKEN
        return Sample(seconds, [seconds])

    pairs = {
        first: await interleaved(repetitions, partial(ours, first=first), partial(snapshot, first=first))
        for first in (True, False)
    }
    await fresh()
    before = await _look(page)
    await tab.evaluate(_CHANGE)
    sizes["difference"] = len((await _look(page, before)).words) / _TOKEN
    whole = sizes["snapshot"]
    for figure, kind in (("first look", "first"), ("all elements", "all"), ("difference", "difference")):
        aim = at_most(0.2) if kind != "all" else None
        report.rows.append(Row(case, figure, "tokens", sizes[kind], whole, sizes[kind] / whole, aim=aim))
    for first, figure in ((True, "first look at a document"), (False, "further look")):
        report.add(case, figure, "ms", pairs[first], median)


async def _look(page: PlaywrightPage, before: Observation | None = None) -> Observation:
    await note_listeners(page)
    found = await page_script.look(page, "survey", {"listeners": True}, timeout=0, grace=10)
    return observe(Survey.of(found), before)


async def _timed(call: Callable[[], Awaitable[T]]) -> tuple[T, float]:
    began = time.perf_counter()
    result = await call()
    return result, time.perf_counter() - began
